//! The inputs that bench/corpus wrote.

use bytes::Bytes;

pub struct Input {
    pub name: String,
    pub kind: String,
    pub version: i16,
    pub bytes: Bytes,
    pub sum: u64,
}

pub fn load(folder: &str) -> Vec<Input> {
    let index = std::fs::read_to_string(format!("{folder}/corpus.txt")).expect("corpus.txt of the corpus");
    index
        .lines()
        .map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let bytes = std::fs::read(format!("{folder}/{}.bin", words[0])).expect("an input");
            Input {
                name: words[0].to_string(),
                kind: words[1].to_string(),
                version: words[2].parse().expect("a version"),
                bytes: Bytes::from(bytes),
                sum: words[4].parse().expect("a sum"),
            }
        })
        .collect()
}
