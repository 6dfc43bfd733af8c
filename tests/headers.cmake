# Every header compiles alone and may be included twice: a source file is made for each, and compiled for its warnings.
# The generated headers of messages differ in nothing that could make one of them fail alone: they go together.
file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE "${PROJECT_SOURCE_DIR}/include/kwire"
  "${PROJECT_SOURCE_DIR}/include/kwire/*.hpp")
list(FILTER headers EXCLUDE REGEX "^messages/")
list(APPEND headers messages/all.hpp messages/apis.hpp messages/registry.hpp messages/request_header.hpp messages/response_header.hpp)
get_property(components GLOBAL PROPERTY KWIRE_COMPONENT_NAMES)

foreach(header IN LISTS headers)
  kwire_component_of("${header}" component)
  # Those over libraries in C do without exceptions like the core.
  if(component AND ((KWIRE_BARE AND NOT header MATCHES "^compression/") OR NOT TARGET kwire::${component}))
    continue()
  endif()
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
  endif()
endforeach()
