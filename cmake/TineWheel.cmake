# What a wheel carries beside the Python files, which scikit-build-core copies: the extension, the library, the command, and what
# C++ programs and tine.pytorch build from. All of it lies in the package's folder.

# A wheel holds no symbolic links. So the library has one name, that of its SONAME, and libtine.so is text for the linker.
set_target_properties(tine PROPERTIES VERSION "${TINE_SOVERSION}")
file(CONFIGURE OUTPUT "${CMAKE_CURRENT_BINARY_DIR}/libtine.so" CONTENT "INPUT(libtine.so.${TINE_SOVERSION})\n")
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/libtine.so" DESTINATION tine COMPONENT wheel)
set_target_properties(tine PROPERTIES INSTALL_RPATH "$ORIGIN/../scipy_openblas32/lib")
set_target_properties(tine_python PROPERTIES INSTALL_RPATH "$ORIGIN")
install(TARGETS tine LIBRARY DESTINATION tine COMPONENT wheel NAMELINK_SKIP)
install(TARGETS tine_python LIBRARY DESTINATION tine COMPONENT wheel)
install(TARGETS tine_command RUNTIME DESTINATION tine/bin COMPONENT wheel)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/tine" DESTINATION tine/include COMPONENT wheel FILES_MATCHING PATTERN "*.h")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/python/pytorch/" DESTINATION tine/pytorch/csrc COMPONENT wheel
        FILES_MATCHING PATTERN "*.h" PATTERN "*.cpp")

set(files "${PROJECT_BINARY_DIR}/cmake/wheel")
tine_package_files("${files}" "${CMAKE_INSTALL_PREFIX}" tine tine/include tine/cmake tine/cmake)
install(FILES "${files}/tineConfig.cmake" "${files}/tineConfigVersion.cmake" "${files}/tine.pc" DESTINATION tine/cmake
        COMPONENT wheel)
