import os

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.build import check_min_cppstd
from conan.tools.files import copy, load
from conan.tools.layout import basic_layout
from conan.tools.scm import Version

required_conan_version = ">=2.0"

# Component: what it requires, and which part of it. tests/consumer/test_agreement.py holds this to CMakeLists.txt.
COMPONENTS = {
    "asio": {"boost/[>=1.81 <2]": "boost::headers"},
    "standalone_asio": {"asio/[>=1.22 <2]": "asio::asio"},
    "json": {"boost/[>=1.81 <2]": "boost::headers"},
    "fmt": {"fmt/[>=9 <13]": "fmt::fmt"},
    "gzip": {"zlib/[>=1.2.11 <2]": "zlib::zlib"},
    "libdeflate": {"zlib/[>=1.2.11 <2]": "zlib::zlib", "libdeflate/[>=1.14 <2]": "libdeflate::libdeflate"},
    "snappy": {"snappy/[>=1.1.9 <2]": "snappy::snappy"},
    "lz4": {"lz4/[>=1.9.4 <2]": "lz4::lz4"},
    "zstd": {"zstd/[>=1.5.4 <2]": "zstd::zstd"},
}
DEFINES = {"standalone_asio": ["KWIRE_STANDALONE_ASIO"]}
THREADS = {"asio", "standalone_asio"}


class KwireConan(ConanFile):
    name = "kwire"
    description = "Reads, edits and writes the Apache Kafka wire protocol without copying payloads"
    license = "Apache-2.0"
    topics = ("kafka", "protocol", "zero-copy", "serialization", "header-only")
    package_type = "header-library"
    settings = "os", "arch", "compiler", "build_type"
    options = {component: [True, False] for component in COMPONENTS}
    default_options = {component: False for component in COMPONENTS}
    exports_sources = "CMakeLists.txt", "LICENSE", "include/*"
    no_copy_source = True

    def set_version(self):
        # The version is in CMakeLists.txt alone.
        text = load(self, os.path.join(self.recipe_folder, "CMakeLists.txt"))
        self.version = text.split("project(kwire VERSION ", 1)[1].split()[0]

    def _asked(self):
        return [component for component in COMPONENTS if self.options.get_safe(component)]

    def requirements(self):
        for reference in sorted({reference for component in self._asked() for reference in COMPONENTS[component]}):
            self.requires(reference)

    def layout(self):
        basic_layout(self)

    def package_id(self):
        # The files are the same whatever is asked for.
        self.info.clear()

    def validate(self):
        check_min_cppstd(self, 20)
        minimum = {"gcc": "11", "clang": "16"}.get(str(self.settings.compiler))
        if minimum and Version(self.settings.compiler.version) < minimum:
            raise ConanInvalidConfiguration(f"kwire needs {self.settings.compiler} {minimum} or later")

    def build(self):
        pass

    def package(self):
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        copy(self, "*.hpp", os.path.join(self.source_folder, "include"), os.path.join(self.package_folder, "include"))

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "kwire")
        core = self.cpp_info.components["kwire"]
        core.set_property("cmake_target_name", "kwire::kwire")
        core.set_property("pkg_config_name", "kwire")
        core.bindirs = []
        core.libdirs = []
        for name in self._asked():
            component = self.cpp_info.components[name]
            component.set_property("cmake_target_name", f"kwire::{name}")
            component.set_property("pkg_config_name", "kwire-" + name.replace("_", "-"))
            component.requires = ["kwire", *COMPONENTS[name].values()]
            component.defines = DEFINES.get(name, [])
            component.bindirs = []
            component.libdirs = []
            if name in THREADS and self.settings.os in ("Linux", "FreeBSD"):
                component.system_libs = ["pthread"]
