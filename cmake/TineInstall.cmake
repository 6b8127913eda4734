# What `cmake --install` puts where: the library (component library), the headers and what find_package(tine) and pkg-config
# read (development), the Python package and the command (python). A wheel has a layout of its own.

option(TINE_DEB "Lay the installation out as Debian does, for `make deb`" OFF)
if(TINE_DEB)
  set(CMAKE_INSTALL_PREFIX /usr)
endif()
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# One minor version is one ABI: docs/abi.md.
set(TINE_SOVERSION "${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}")

# The names of the library, and that it exports what cmake/tine.map.in says.
function(tine_name_library)
  # The installed library names no folder of this machine: what it needs is where the loader looks.
  set_target_properties(tine PROPERTIES VERSION "${PROJECT_VERSION}" SOVERSION "${TINE_SOVERSION}" INSTALL_RPATH "")
  set(map "${CMAKE_CURRENT_BINARY_DIR}/tine.map")
  configure_file("${PROJECT_SOURCE_DIR}/cmake/tine.map.in" "${map}" @ONLY)
  target_link_options(tine PRIVATE "LINKER:--version-script=${map}")
  set_property(TARGET tine APPEND PROPERTY LINK_DEPENDS "${map}")
endfunction()

# Writes tineConfig.cmake, tineConfigVersion.cmake and tine.pc to `out`. They are to stand in `cmakedir` and `pkgconfigdir`, and
# find the library and the headers from there: all are below one prefix, which may be moved.
function(tine_package_files out prefix libdir includedir cmakedir pkgconfigdir)
  set(CMAKE_INSTALL_LIBDIR "${libdir}")
  set(CMAKE_INSTALL_INCLUDEDIR "${includedir}")
  configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/tineConfig.cmake.in" "${out}/tineConfig.cmake"
    INSTALL_DESTINATION "${cmakedir}" INSTALL_PREFIX "${prefix}" PATH_VARS CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_INCLUDEDIR)
  write_basic_package_version_file("${out}/tineConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
  foreach(dir libdir includedir pkgconfigdir)
    cmake_path(ABSOLUTE_PATH ${dir} BASE_DIRECTORY "${prefix}" NORMALIZE)
  endforeach()
  cmake_path(RELATIVE_PATH libdir BASE_DIRECTORY "${pkgconfigdir}")
  cmake_path(RELATIVE_PATH includedir BASE_DIRECTORY "${pkgconfigdir}")
  configure_file("${PROJECT_SOURCE_DIR}/cmake/tine.pc.in" "${out}/tine.pc" @ONLY)
endfunction()

function(tine_install_cpp)
  # Without EXPORT: the library's folders and options must not show up in the user's project.
  install(TARGETS tine LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT library NAMELINK_COMPONENT development)
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/tine" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT development
          FILES_MATCHING PATTERN "*.h")
  set(installed "${PROJECT_BINARY_DIR}/cmake/installed")
  set(cmakedir "${CMAKE_INSTALL_LIBDIR}/cmake/tine")
  set(pkgconfigdir "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
  tine_package_files("${installed}" "${CMAKE_INSTALL_PREFIX}" "${CMAKE_INSTALL_LIBDIR}" "${CMAKE_INSTALL_INCLUDEDIR}"
    "${cmakedir}" "${pkgconfigdir}")
  install(FILES "${installed}/tineConfig.cmake" "${installed}/tineConfigVersion.cmake" DESTINATION "${cmakedir}"
          COMPONENT development)
  install(FILES "${installed}/tine.pc" DESTINATION "${pkgconfigdir}" COMPONENT development)
  # The folder of the build is found as well: it is what CMAKE_PREFIX_PATH or PKG_CONFIG_PATH then says.
  tine_package_files("${PROJECT_BINARY_DIR}" "${CMAKE_BINARY_DIR}" python/tine "${PROJECT_SOURCE_DIR}/include"
    "${PROJECT_BINARY_DIR}" "${PROJECT_BINARY_DIR}")
endfunction()

# The Python package, and the command.
function(tine_install_python)
  if(TINE_DEB)
    set(folder lib/python3/dist-packages)
  else()
    set(folder "${CMAKE_INSTALL_LIBDIR}/python${Python3_VERSION_MAJOR}.${Python3_VERSION_MINOR}/site-packages")
  endif()
  foreach(dir folder CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_BINDIR)
    cmake_path(ABSOLUTE_PATH ${dir} BASE_DIRECTORY "${CMAKE_INSTALL_PREFIX}" NORMALIZE OUTPUT_VARIABLE full)
    cmake_path(RELATIVE_PATH full BASE_DIRECTORY "${CMAKE_INSTALL_PREFIX}" OUTPUT_VARIABLE ${dir})
  endforeach()
  set(package "${folder}/tine")
  cmake_path(RELATIVE_PATH CMAKE_INSTALL_LIBDIR BASE_DIRECTORY "${package}" OUTPUT_VARIABLE to_libdir)
  cmake_path(RELATIVE_PATH CMAKE_INSTALL_INCLUDEDIR BASE_DIRECTORY "${package}" OUTPUT_VARIABLE to_includedir)
  cmake_path(RELATIVE_PATH CMAKE_INSTALL_BINDIR BASE_DIRECTORY "${package}/bin" OUTPUT_VARIABLE to_bindir)
  # Debian's loader finds the library by itself.
  if(NOT TINE_DEB)
    set_target_properties(tine_python PROPERTIES INSTALL_RPATH "$ORIGIN/${to_libdir}")
  endif()
  install(TARGETS tine_python LIBRARY DESTINATION "${package}" COMPONENT python)
  install(TARGETS tine_command RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT python)
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/python/tine/" DESTINATION "${package}" COMPONENT python
          FILES_MATCHING PATTERN "*.py" PATTERN "*.pyi" PATTERN "py.typed")
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/python/pytorch/" DESTINATION "${package}/pytorch/csrc" COMPONENT python
          FILES_MATCHING PATTERN "*.h" PATTERN "*.cpp")
  # Where the package looks for them: tine.get_include() and `python3 -m tine`.
  set(links "${PROJECT_BINARY_DIR}/cmake/installed/package")
  file(REMOVE_RECURSE "${links}")
  file(MAKE_DIRECTORY "${links}/bin")
  file(CREATE_LINK "${to_includedir}" "${links}/include" SYMBOLIC)
  file(CREATE_LINK "${to_bindir}/tine" "${links}/bin/tine" SYMBOLIC)
  install(DIRECTORY "${links}/" DESTINATION "${package}" COMPONENT python)
endfunction()
