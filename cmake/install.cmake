# cmake --install: headers, the CMake package and kwire.pc. Nothing depends on the architecture, so everything except the
# headers is installed below share/. Nothing contains the prefix, so the tree can be moved.
#
# The rules are there in a project that adds this directory too, since CMake exports no target that links kwire::kwire
# without them. But its `cmake --install` leaves kwire out, unless KWIRE_INSTALL is ON or it is told `--component kwire`.
include(CMakePackageConfigHelpers)

set(package_dir "${CMAKE_INSTALL_DATADIR}/cmake/kwire")
set(generated_dir "${PROJECT_BINARY_DIR}/package")
set(part COMPONENT kwire)
if(NOT KWIRE_INSTALL)
  list(APPEND part EXCLUDE_FROM_ALL)
endif()

install(DIRECTORY include/kwire DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" ${part} FILES_MATCHING PATTERN "*.hpp")

install(TARGETS kwire EXPORT kwire-targets)
install(EXPORT kwire-targets NAMESPACE kwire:: DESTINATION "${package_dir}" ${part})

file(RELATIVE_PATH KWIRE_PC_PREFIX "${CMAKE_INSTALL_FULL_DATADIR}/pkgconfig" "${CMAKE_INSTALL_PREFIX}")
string(REGEX REPLACE "/$" "" KWIRE_PC_PREFIX "${KWIRE_PC_PREFIX}")
if(IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}")
  set(KWIRE_PC_INCLUDEDIR "${CMAKE_INSTALL_INCLUDEDIR}")
else()
  set(KWIRE_PC_INCLUDEDIR "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
endif()
configure_file(cmake/kwire.pc.in "${generated_dir}/pkgconfig/kwire.pc" @ONLY)

# One target file and one .pc per component, so that a component that was not requested is absent instead of broken.
set(KWIRE_COMPONENT_TABLE "")
get_property(KWIRE_COMPONENT_LIST GLOBAL PROPERTY KWIRE_COMPONENT_NAMES)
foreach(name IN LISTS KWIRE_COMPONENT_LIST)
  install(TARGETS kwire_${name} EXPORT kwire-${name}-targets)
  install(EXPORT kwire-${name}-targets NAMESPACE kwire:: DESTINATION "${package_dir}" ${part})
  foreach(word IN ITEMS PACKAGES LINK DEFINES PKG_CONFIG)
    get_property(${word} GLOBAL PROPERTY KWIRE_${name}_${word})
  endforeach()
  string(APPEND KWIRE_COMPONENT_TABLE "set(_kwire_${name}_packages \"${PACKAGES}\")\n")

  list(TRANSFORM DEFINES PREPEND "-D")
  list(JOIN DEFINES " " KWIRE_PC_CFLAGS)
  list(PREPEND PKG_CONFIG "kwire = ${PROJECT_VERSION}")
  list(JOIN PKG_CONFIG ", " KWIRE_PC_REQUIRES)
  set(KWIRE_PC_LIBS "")
  if("Threads::Threads" IN_LIST LINK)
    set(KWIRE_PC_LIBS "-pthread")
  endif()
  set(KWIRE_PC_COMPONENT ${name})
  string(REPLACE "_" "-" file "kwire-${name}.pc")
  configure_file(cmake/kwire-component.pc.in "${generated_dir}/pkgconfig/${file}" @ONLY)
endforeach()
install(DIRECTORY "${generated_dir}/pkgconfig" DESTINATION "${CMAKE_INSTALL_DATADIR}" ${part})
if(IS_DIRECTORY "${PROJECT_SOURCE_DIR}/cmake/find")
  install(DIRECTORY cmake/find DESTINATION "${package_dir}" ${part})
endif()

configure_package_config_file(cmake/kwireConfig.cmake.in "${generated_dir}/kwireConfig.cmake"
  INSTALL_DESTINATION "${package_dir}" NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file("${generated_dir}/kwireConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES "${generated_dir}/kwireConfig.cmake" "${generated_dir}/kwireConfigVersion.cmake"
  cmake/explain_components.cmake DESTINATION "${package_dir}" ${part})
