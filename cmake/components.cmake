# Optional parts of kwire that need another library.
#
#     kwire_component(<name> [HEADERS <path or its beginning, below include/kwire>...] PACKAGES <package [version]>...
#                     LINK <target>... [DEFINES <macro>...] [PKG_CONFIG <module>...])
#
# Makes kwire::<name> if its packages are found: in developer mode whenever they are found, in a project that adds this
# directory if KWIRE_COMPONENTS names it (then they are required). The installed package knows every component and looks
# for its packages only if the component is requested. PKG_CONFIG are the modules that kwire-<name>.pc requires; a package
# that has none, such as Boost, is headers alone and needs none.
# A package without a CMake configuration gets a cmake/find/Find<package>.cmake, which is installed too.

include("${CMAKE_CURRENT_LIST_DIR}/explain_components.cmake")
set_property(GLOBAL PROPERTY KWIRE_COMPONENT_NAMES)
if(IS_DIRECTORY "${PROJECT_SOURCE_DIR}/cmake/find")
  list(APPEND CMAKE_MODULE_PATH "${PROJECT_SOURCE_DIR}/cmake/find")
endif()

function(kwire_component name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "HEADERS;PACKAGES;LINK;DEFINES;PKG_CONFIG")
  set_property(GLOBAL APPEND PROPERTY KWIRE_COMPONENT_NAMES ${name})
  foreach(word IN ITEMS HEADERS PACKAGES LINK DEFINES PKG_CONFIG)
    set_property(GLOBAL PROPERTY KWIRE_${name}_${word} "${arg_${word}}")
  endforeach()

  add_library(kwire_${name} INTERFACE)
  set_target_properties(kwire_${name} PROPERTIES EXPORT_NAME ${name})
  target_link_libraries(kwire_${name} INTERFACE kwire ${arg_LINK})
  target_compile_definitions(kwire_${name} INTERFACE ${arg_DEFINES})

  if(name IN_LIST KWIRE_COMPONENTS)
    set(strictness REQUIRED)
  elseif(KWIRE_DEVELOPER_MODE)
    set(strictness QUIET)
  else()
    return()
  endif()
  foreach(package IN LISTS arg_PACKAGES)
    separate_arguments(package)
    # GLOBAL: the targets are named by the link interface, so every target that links kwire::<name> must see them.
    find_package(${package} ${strictness} GLOBAL)
    list(GET package 0 package)
    if(NOT ${package}_FOUND)
      message(STATUS "kwire: no component ${name}, since ${package} was not found")
      return()
    endif()
  endforeach()
  add_library(kwire::${name} ALIAS kwire_${name})
endfunction()

# Sets `out` to the name of the component that owns a header (a path below include/kwire), or to nothing.
function(kwire_component_of header out)
  set(${out} "" PARENT_SCOPE)
  get_property(names GLOBAL PROPERTY KWIRE_COMPONENT_NAMES)
  foreach(name IN LISTS names)
    get_property(owned GLOBAL PROPERTY KWIRE_${name}_HEADERS)
    foreach(prefix IN LISTS owned)
      string(FIND "${header}" "${prefix}" at)
      if(header STREQUAL prefix OR (NOT prefix MATCHES "[.]hpp$" AND at EQUAL 0))
        set(${out} ${name} PARENT_SCOPE)
        return()
      endif()
    endforeach()
  endforeach()
endfunction()
