include("${CMAKE_CURRENT_LIST_DIR}/cross.cmake")
kwire_cross_linux(s390x s390x-linux-gnu s390x)
