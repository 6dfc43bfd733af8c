# Finds libdeflate as libdeflate::libdeflate. Since 1.15 it has a package configuration, with a target for the shared library and
# one for the static; distributions with an older release, such as Debian 12, have none.
find_package(libdeflate CONFIG QUIET)
foreach(target IN ITEMS libdeflate::libdeflate_shared libdeflate::libdeflate_static)
  if(TARGET ${target} AND NOT TARGET libdeflate::libdeflate)
    add_library(libdeflate::libdeflate INTERFACE IMPORTED)
    set_target_properties(libdeflate::libdeflate PROPERTIES INTERFACE_LINK_LIBRARIES ${target})
  endif()
endforeach()

if(TARGET libdeflate::libdeflate)
  set(libdeflate_FOUND TRUE)
else()
  find_path(LIBDEFLATE_INCLUDE_DIR libdeflate.h)
  find_library(LIBDEFLATE_LIBRARY deflate)
  mark_as_advanced(LIBDEFLATE_INCLUDE_DIR LIBDEFLATE_LIBRARY)
  include(FindPackageHandleStandardArgs)
  find_package_handle_standard_args(libdeflate REQUIRED_VARS LIBDEFLATE_LIBRARY LIBDEFLATE_INCLUDE_DIR)
  if(libdeflate_FOUND)
    add_library(libdeflate::libdeflate UNKNOWN IMPORTED)
    set_target_properties(libdeflate::libdeflate PROPERTIES
      IMPORTED_LOCATION "${LIBDEFLATE_LIBRARY}" INTERFACE_INCLUDE_DIRECTORIES "${LIBDEFLATE_INCLUDE_DIR}")
  endif()
endif()
