#pragma once

// libtine.so hides what is not marked. Types that are thrown or compared by type across the
// library's border need the mark as well, or each side has a type of its own.
#define TINE_API __attribute__((visibility("default")))
