#include "src/value/ops/calls_for_tests.h"

namespace tine::value {

const char* const kTextCalls = R"calls(
aten::len.str('abc') => 3
aten::len.str('naïve') => 5
aten::__getitem__.str('abc', -1) => 'c'
aten::__getitem__.str('naïve', 2) => 'ï'
aten::__getitem__.str('abc', 3) => IndexError: string index out of range
aten::slice.str('abcdef', 1, -1) => 'bcde'
aten::slice.str('abcdef', None, None, -2) => 'fdb'
aten::slice.str('naïve', 2, 4) => 'ïv'
aten::slice.str('abc', 0, 3, 0) => ValueError: slice step cannot be zero
aten::list.str('aïb') => ['a', 'ï', 'b']
aten::ord('ï') => 239
aten::ord('ab') => TypeError: ord() expected a character, but string of length 2 found
aten::chr(8364) => '€'
aten::chr(-1) => ValueError: chr() arg not in range(0x110000)
aten::upper('aBc1') => 'ABC1'
aten::lower('aBc1') => 'abc1'
aten::capitalize('hELLO') => 'Hello'
aten::isdigit('123') => True
aten::isdigit('') => False
aten::isalpha('ab1') => False
aten::isalnum('ab1') => True
aten::isspace(' \t') => True
aten::add.str('a', 'b') => 'ab'
aten::mul.str_int('ab', 3) => 'ababab'
aten::mul.str_int('ab', -1) => ''
aten::mul.str_int('ab', 9000000000000000000) => ValueError: a string of 2 bytes repeated 9000000000000000000 times is longer than the limit of 2147483648 bytes
aten::mul.int_str(2, 'x') => 'xx'
aten::strip('  a b \n') => 'a b'
aten::strip('xxaxx', 'x') => 'a'
aten::strip('   ') => ''
aten::lstrip('  a ') => 'a '
aten::rstrip('  a ') => '  a'
aten::split.str(' a b  c ') => ['a', 'b', 'c']
aten::split.str('a b  c ', None, 2) => ['a', 'b', 'c ']
aten::split.str(' x ', ' ') => ['', 'x', '']
aten::split.str('aXbXc', 'X', 1) => ['a', 'bXc']
aten::split.str('a', '') => ValueError: empty separator
aten::splitlines('a\nb\r\n\nc') => ['a', 'b', '', 'c']
aten::join(', ', ['a', 'b']) => 'a, b'
aten::join(', ', []) => ''
aten::replace('aaa', 'a', 'b', 2) => 'bba'
aten::replace('abc', '', '-') => '-a-b-c-'
aten::replace('abc', 'x', '-') => 'abc'
aten::ljust('ab', 4) => 'ab  '
aten::rjust('ab', 4, '*') => '**ab'
aten::rjust('abcde', 4) => 'abcde'
aten::zfill('-42', 6) => '-00042'
aten::str(1.0) => '1.0'
aten::str('x') => 'x'
aten::str([1, 'a']) => "[1, 'a']"
aten::repr('x') => "'x'"
aten::__contains__.str('hello', 'ell') => True
aten::startswith('hello', 'he') => True
aten::endswith('hello', 'he') => False
aten::find('naïve', 'v') => 3
aten::find('abc', 'x') => -1
aten::rfind('abab', 'b') => 3
aten::index.str('abc', 'c') => 2
aten::index.str('abc', 'x') => ValueError: substring not found
aten::count('banana', 'ana') => 1
aten::count('abc', '') => 4
aten::format('{} and {}', [1, 'a']) => '1 and a'
aten::format('{1}{0!r}{{}}', ['a', 2]) => "2'a'{}"
aten::format('{:>8.3f}|{:<5}|{:^7}|{:+d}|{:05d}|{:,}', [3.14159, 'ab', 'mid', 5, 42, 1234567]) => '   3.142|ab   |  mid  |+5|00042|1,234,567'
aten::format('{:e}|{:g}|{:%}|{:x}|{:b}|{!r:>5}', [12345.678, 1e-7, 0.25, 255, 5, 'q']) => "1.234568e+04|1e-07|25.000000%|ff|101|  'q'"
aten::format('{:10}|{:.3}|{:.3}|{:,.2f}', [3, 'abcdef', 3.14159, 1234567.891]) => '         3|abc|3.14|1,234,567.89'
aten::format('{:08.3f}|{:=+8d}|{:#x}|{:c}', [-3.14159, 42, 255, 65]) => '-003.142|+     42|0xff|A'
aten::format('{:.2f}|{:10}|{:*^9}|{:012,}', [2, 1.0, 'mid', 1234567]) => '2.00|       1.0|***mid***|0,001,234,567'
aten::format('{:E}|{:G}|{:.0f}|{:X}|{:o}|{: d}', [1.5, 1e-10, 2.5, 255, 8, 3]) => '1.500000E+00|1E-10|2|FF|10| 3'
aten::format('{:5}|{}', [True, True]) => '    1|True'
aten::format('{:ï>3}', ['x']) => 'ïïx'
aten::format('{:.1f}', [tensor(2.25)]) => '2.2'
aten::format('{}', []) => IndexError: Replacement index 0 out of range for positional args tuple
aten::format('{:d}', [1.5]) => ValueError: Unknown format code 'd' for object of type 'float'
aten::format('{:s}', [1]) => ValueError: Unknown format code 's' for object of type 'int'
aten::format('{', [1]) => ValueError: Single '{' encountered in format string
aten::format('{0', [1]) => ValueError: expected '}' before end of string
aten::format('}', [1]) => ValueError: Single '}' encountered in format string
aten::format('{0} {}', [1]) => ValueError: cannot switch from manual field specification to automatic field numbering
aten::format('{:5}', [None]) => TypeError: unsupported format string passed to NoneType.__format__
aten::format('{:99999999999}', [1]) => ValueError: the width of a format field is at most 1048576
aten::format('{name}', [1]) => ValueError: format field 'name': only positions can be named here, like {0}
aten::strip('été', 'è') => 'été'
aten::strip('éaé', 'é') => 'a'
aten::lstrip('éèa', 'èé') => 'a'
aten::rstrip('aéx', 'xé') => 'a'
aten::splitlines('a\x0bb\x0cc\x1cd\x1de\x1ef') => ['a', 'b', 'c', 'd', 'e', 'f']
aten::splitlines('ab c ') => ['a', 'b', 'c']
aten::splitlines('aé‧b') => ['aé‧b']
)calls";

}  // namespace tine::value
