# Every header compiles alone and may be included twice: a source file is made for each, and compiled for its warnings.
# The generated headers of messages, and those of their views, all have one form, so one that fails alone fails with the
# others too: they are compiled through the headers that include all of them.
file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE "${PROJECT_SOURCE_DIR}/include/kwire"
  "${PROJECT_SOURCE_DIR}/include/kwire/*.hpp")
file(GLOB together RELATIVE "${PROJECT_SOURCE_DIR}/include/kwire"
  "${PROJECT_SOURCE_DIR}/include/kwire/messages/*.hpp" "${PROJECT_SOURCE_DIR}/include/kwire/messages/view/*.hpp")
list(REMOVE_ITEM headers ${together})
foreach(alone IN ITEMS all apis registry request_header response_header)
  foreach(header IN ITEMS messages/${alone}.hpp messages/view/${alone}.hpp)
    if(header IN_LIST together)
      list(APPEND headers "${header}")
    endif()
  endforeach()
endforeach()
get_property(components GLOBAL PROPERTY KWIRE_COMPONENT_NAMES)

set(all_headers)
foreach(header IN LISTS headers)
  kwire_component_of("${header}" component)
  # Those over libraries in C do without exceptions like the core.
  if(component AND ((KWIRE_BARE AND NOT header MATCHES "^compression/") OR NOT TARGET kwire::${component}))
    continue()
  endif()
  string(APPEND all_headers "#include <kwire/${header}>\n")
  string(REGEX REPLACE "\\.hpp$" ".cpp" source "${header}")
  set(source "${CMAKE_CURRENT_BINARY_DIR}/headers/${source}")
  file(CONFIGURE OUTPUT "${source}" CONTENT "#include <kwire/${header}>\n#include <kwire/${header}>\n")
  if(component)
    list(APPEND sources_${component} "${source}")
  else()
    list(APPEND sources_kwire "${source}")
  endif()
endforeach()

foreach(component IN ITEMS kwire LISTS components)
  if(sources_${component})
    add_library(kwire_headers_${component} OBJECT ${sources_${component}})
    target_link_libraries(kwire_headers_${component} PRIVATE kwire::${component} kwire_warnings)
    target_compile_options(kwire_headers_${component} PRIVATE -O0)
    if(KWIRE_BARE) # that each compiles alone is for the preset release
      set_target_properties(kwire_headers_${component} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 0)
    endif()
  endif()
endforeach()

# For tests/odr: every header in one file.
file(CONFIGURE OUTPUT "${CMAKE_CURRENT_BINARY_DIR}/headers/all_headers.hpp" CONTENT "${all_headers}")
