"""A library of this machine as the Conan package of the same name, where no package can be fetched: --name, --version."""

from conan import ConanFile

LIBRARIES = {"zlib": ["z"], "libdeflate": ["deflate"], "snappy": ["snappy"], "lz4": ["lz4"], "zstd": ["zstd"], "fmt": ["fmt"]}


class SystemLibrary(ConanFile):
    package_type = "shared-library"
    settings = "os", "arch", "compiler", "build_type"

    def package_info(self):
        self.cpp_info.bindirs = []
        self.cpp_info.libdirs = []
        self.cpp_info.includedirs = []
        if self.name == "boost":
            self.cpp_info.components["headers"].includedirs = []
        else:
            self.cpp_info.system_libs = LIBRARIES[self.name]
