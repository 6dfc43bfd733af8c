include("${CMAKE_CURRENT_LIST_DIR}/cross.cmake")
kwire_cross_linux(i686 i686-linux-gnu i386)
