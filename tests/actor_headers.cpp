// Nothing stands here: what the tests with actors read is precompiled beside this file
// (tests/CMakeLists.txt).
