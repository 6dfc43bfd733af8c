import os

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.build import check_min_cppstd
from conan.tools.files import copy, load
from conan.tools.layout import basic_layout
from conan.tools.scm import Version

required_conan_version = ">=2.0"


class KwireConan(ConanFile):
    name = "kwire"
    description = "Reads, edits and writes the Apache Kafka wire protocol without copying payloads"
    license = "Apache-2.0"
    topics = ("kafka", "protocol", "zero-copy", "serialization", "header-only")
    package_type = "header-library"
    settings = "os", "arch", "compiler", "build_type"
    exports_sources = "CMakeLists.txt", "LICENSE", "include/*"
    no_copy_source = True

    def set_version(self):
        # The version is in CMakeLists.txt alone.
        text = load(self, os.path.join(self.recipe_folder, "CMakeLists.txt"))
        self.version = text.split("project(kwire VERSION ", 1)[1].split()[0]

    def layout(self):
        basic_layout(self)

    def package_id(self):
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
        self.cpp_info.bindirs = []
        self.cpp_info.libdirs = []
        self.cpp_info.set_property("cmake_file_name", "kwire")
        self.cpp_info.set_property("cmake_target_name", "kwire::kwire")
        self.cpp_info.set_property("pkg_config_name", "kwire")
