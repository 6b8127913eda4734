#pragma once

// libtine.so hides what is not marked. Types that are thrown or compared by type across the
// library's border need the mark as well, or each side has a type of its own.
#define TINE_API __attribute__((visibility("default")))
// A class within a marked one is marked too. This one takes the mark off: only the library knows its members.
#define TINE_LOCAL __attribute__((visibility("hidden")))
