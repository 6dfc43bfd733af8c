include(CMakeFindDependencyMacro)
find_dependency(kwire COMPONENTS gzip)
include("${CMAKE_CURRENT_LIST_DIR}/ledger-targets.cmake")
