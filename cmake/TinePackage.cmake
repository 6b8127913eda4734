# `make deb`: Debian packages of the components library, development and python, by CPack. The option TINE_DEB lays the
# installation out as Debian has it (TineInstall.cmake), and adds what each package has to bring.

set(TINE_MAINTAINER "The tine authors <maintainers@tine.invalid>" CACHE STRING "The Maintainer of the Debian packages, with an address")
set(library_package "libtine${TINE_SOVERSION}")
set(development_package libtine-dev)
set(python_package python3-tine)

set(CPACK_GENERATOR DEB)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL library development)
if(TINE_PYTHON)
  list(APPEND CPACK_COMPONENTS_ALL python)
endif()
set(CPACK_PACKAGE_DIRECTORY "${PROJECT_BINARY_DIR}/deb")
set(CPACK_PACKAGING_INSTALL_PREFIX "${CMAKE_INSTALL_PREFIX}")
set(CPACK_PACKAGE_CONTACT "${TINE_MAINTAINER}")
set(CPACK_RESOURCE_FILE_LICENSE "${PROJECT_SOURCE_DIR}/LICENSE")
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# The extension's own library comes from the package beside it, which is not installed while this one is made.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS "${CMAKE_BINARY_DIR}/python/tine")
# Packages whose programs are linked with the library depend on it from this version on. (CPack warns that nothing can be linked
# with the extension, and that is so.)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(this "(= ${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE})")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "")  # each package has its own
set(about "tine runs tensor programs: its futures are the same whether the work is
on another thread, in a compiled script or on another machine. It has the
names of torch.futures, torch.jit and torch.distributed.rpc, and needs no
PyTorch.
.
")
set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME ${library_package})
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
set(CPACK_COMPONENT_LIBRARY_DESCRIPTION "asynchronous runtime for tensor programs (library)\n${about}This package has the library that programs are linked with.")

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME ${development_package})
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "${library_package} ${this}")
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION "asynchronous runtime for tensor programs (C++ headers)\n${about}This package has what C++20 programs are compiled with: headers, and
files for CMake and pkg-config.")

set(CPACK_DEBIAN_PYTHON_PACKAGE_NAME ${python_package})
set(CPACK_DEBIAN_PYTHON_PACKAGE_SECTION python)
# Made for one Python, unless it is built against the stable ABI.
set(CPACK_DEBIAN_PYTHON_PACKAGE_DEPENDS "${library_package} ${this}, python3 (>= ${Python3_VERSION_MAJOR}.${Python3_VERSION_MINOR}~)")
get_target_property(suffix tine_python SUFFIX)
if(NOT suffix MATCHES "abi3")
  math(EXPR next "${Python3_VERSION_MINOR} + 1")
  string(APPEND CPACK_DEBIAN_PYTHON_PACKAGE_DEPENDS ", python3 (<< ${Python3_VERSION_MAJOR}.${next}~)")
endif()
set(CPACK_DEBIAN_PYTHON_PACKAGE_SUGGESTS "${development_package}, g++")
set(CPACK_COMPONENT_PYTHON_DESCRIPTION "asynchronous runtime for tensor programs (Python 3)\n${about}This package has the Python package tine, and the command tine, which
starts a program on many processes.")
set(CPACK_DEBIAN_PYTHON_PACKAGE_CONTROL_EXTRA
  "${PROJECT_SOURCE_DIR}/cmake/deb/postinst" "${PROJECT_SOURCE_DIR}/cmake/deb/prerm")

# What Debian expects of every package: its licence and its changes.
string(TIMESTAMP now "%a, %d %b %Y %H:%M:%S +0000" UTC)
set(doc "${PROJECT_BINARY_DIR}/cmake/deb")
set(deb_version "${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}")
configure_file("${PROJECT_SOURCE_DIR}/cmake/deb/changelog.in" "${doc}/changelog.Debian" @ONLY)
configure_file("${PROJECT_SOURCE_DIR}/CHANGELOG.md" "${doc}/changelog" COPYONLY)
foreach(file changelog changelog.Debian)
  execute_process(COMMAND gzip -9nf "${doc}/${file}" COMMAND_ERROR_IS_FATAL ANY)
endforeach()
file(READ "${PROJECT_SOURCE_DIR}/LICENSE" license)
string(REGEX MATCH "Copyright[^\n]*" copyright "${license}")
string(REGEX REPLACE "\n\n" "\n.\n" license "${license}")
string(REGEX REPLACE "\n(.)" "\n \\1" license "${license}")
string(REGEX REPLACE "Copyright \\(c\\) " "Copyright: " copyright "${copyright}")
file(WRITE "${doc}/copyright" "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: tine
Upstream-Contact: ${TINE_MAINTAINER}

Files: *
${copyright}
License: BSD-3-Clause
 ${license}")
foreach(component IN LISTS CPACK_COMPONENTS_ALL)
  install(FILES "${doc}/changelog.gz" "${doc}/changelog.Debian.gz" "${doc}/copyright"
          DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/${${component}_package}" COMPONENT ${component})
endforeach()

include(CPack)
