//! next-plaid on a corpus: nextplaid-bench CORPUS INDEX.
//!
//! Prints one line of JSON: the seconds of building and, for each knob and k, the ids found and the seconds of
//! each search, and the searches a second of two threads. How many threads work is RAYON_NUM_THREADS's, for
//! one search as for the build.

use ndarray::Array2;
use next_plaid::{IndexConfig, MmapIndex, SearchParameters};
use serde_json::json;
use std::{env, error::Error, fs, path::Path, time::Instant};

const DIM: usize = 128;

/// Pages to train on. By its own rule next-plaid takes all 2,000, which did not end within 205 s.
const TRAINING: usize = 300;

fn matrices(folder: &Path, data: &str, lens: &str) -> Result<Vec<Array2<f32>>, Box<dyn Error>> {
    let numbers: Vec<f32> = fs::read(folder.join(data))?
        .chunks_exact(4)
        .map(|b| f32::from_le_bytes(b.try_into().unwrap()))
        .collect();
    let mut at = 0;
    fs::read(folder.join(lens))?
        .chunks_exact(4)
        .map(|b| {
            let rows = i32::from_le_bytes(b.try_into().unwrap()) as usize;
            let part = numbers[at..at + rows * DIM].to_vec();
            at += rows * DIM;
            Ok(Array2::from_shape_vec((rows, DIM), part)?)
        })
        .collect()
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().collect();
    let (corpus, place) = (Path::new(&arguments[1]), &arguments[2]);
    let queries = matrices(corpus, "queries.f32", "qlens.i32")?;
    let start = Instant::now();
    let build = if Path::new(place).exists() {
        None
    } else {
        let documents = matrices(corpus, "docs.f32", "doclens.i32")?;
        let start = Instant::now();
        let n_samples_kmeans = Some(TRAINING * 1030 / documents[0].nrows().max(1)).map(|n| n.min(documents.len()));
        let config = IndexConfig { nbits: 4, n_samples_kmeans, ..Default::default() };
        MmapIndex::create_with_kmeans(&documents, place, &config)?;
        Some(start.elapsed().as_secs_f64())
    };
    if build.is_some() {
        println!("{}", json!({ "build": build }));
        return Ok(());
    }
    let index = MmapIndex::load(place)?;
    let opened = start.elapsed().as_secs_f64();
    let mut ways = vec![];
    for (probes, full) in [(4, 256), (8, 4096)] {
        for k in [10, 100] {
            let knobs = SearchParameters { top_k: k, n_ivf_probe: probes, n_full_scores: full, ..Default::default() };
            index.search(&queries[0], &knobs, None)?;
            let (mut answers, mut seconds) = (vec![], vec![]);
            for query in &queries {
                let start = Instant::now();
                let result = index.search(query, &knobs, None)?;
                seconds.push(start.elapsed().as_secs_f64());
                answers.push(result.passage_ids);
            }
            let start = Instant::now();
            std::thread::scope(|threads| {
                for half in queries.chunks(queries.len().div_ceil(2)) {
                    let (index, knobs) = (&index, &knobs);
                    threads.spawn(move || half.iter().for_each(|q| drop(index.search(q, knobs, None).unwrap())));
                }
            });
            let together = queries.len() as f64 / start.elapsed().as_secs_f64();
            ways.push(json!({
                "knob": format!("probe {probes}, full {full}"), "k": k,
                "answers": answers, "seconds": seconds, "qps2": together,
            }));
        }
    }
    println!("{}", json!({ "opened": opened, "ways": ways }));
    Ok(())
}
