include("${CMAKE_CURRENT_LIST_DIR}/cross.cmake")
kwire_cross_linux(riscv64 riscv64-linux-gnu riscv64)
