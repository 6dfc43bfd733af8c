include("${CMAKE_CURRENT_LIST_DIR}/cross.cmake")
kwire_cross_linux(aarch64 aarch64-linux-gnu aarch64)
