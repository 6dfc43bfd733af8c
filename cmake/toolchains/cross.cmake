# What the toolchain files of this folder share: compilers of Debian that make programs for another processor, which an emulator runs.
# Programs are linked statically, so that no library of the other processor need be installed.
#
# Headers of Boost and Catch2 are those of this machine; libraries that have to be linked are left out, and with them their components.
list(APPEND CMAKE_MODULE_PATH "${CMAKE_CURRENT_LIST_DIR}/find")
set(CMAKE_EXE_LINKER_FLAGS_INIT "-static")
foreach(package IN ITEMS ZLIB libdeflate Snappy lz4 zstd fmt OpenSSL asio)
  set(CMAKE_DISABLE_FIND_PACKAGE_${package} ON)
endforeach()

# kwire_cross_linux(<processor> <gnu name> <name in qemu>)
macro(kwire_cross_linux processor triplet emulator)
  set(CMAKE_SYSTEM_NAME Linux)
  set(CMAKE_SYSTEM_PROCESSOR ${processor})
  set(CMAKE_CXX_COMPILER ${triplet}-g++)
  set(CMAKE_CROSSCOMPILING_EMULATOR qemu-${emulator})
endmacro()
