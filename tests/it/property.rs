//! Three devices, random actions, a bad network: they converge and nothing is lost.
//!
//! Nothing lost means: every node that was ever made is shown somewhere on every device,
//! and every word that was ever typed is in a text that somebody can see, whatever was
//! uploaded over it by whom had not seen it.

use std::collections::BTreeMap;

use offing_core::id::NodeId;
use offing_core::label::Label;
use offing_core::rpc::{Clash, Kind, Row};
use offing_core::tree::Labelled;
use offing_tests::{Device, World};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};

const NAMES: [&str; 3] = ["phone", "laptop", "tablet"];
const SEEDS: u64 = 20;
const STEPS: usize = 60;

/// What was made and typed, wherever it was.
#[derive(Default)]
struct Made {
    nodes: Vec<NodeId>,
    words: BTreeMap<NodeId, Vec<String>>,
}

#[test]
fn random_work_on_three_devices_converges_and_loses_nothing() {
    for seed in 1..=SEEDS {
        let world = World::seeded(seed, &NAMES);
        let mut rng = StdRng::seed_from_u64(seed ^ 0x0ff1);
        let mut made = Made::default();
        for step in 0..STEPS {
            let name = *NAMES.choose(&mut rng).unwrap();
            weather(&world, name, &mut rng);
            act(&world.device(name), &mut rng, &mut made, &format!("<{seed}.{step}>"));
            world.passes(rng.gen_range(0..800));
        }
        world.sync_all();
        world.assert_converged();
        assert_nothing_lost(&world, &made, seed);
    }
}

fn weather(world: &World, name: &str, rng: &mut StdRng) {
    let device = world.device(name);
    match rng.gen_range(0..12) {
        0 => device.line.offline.set(true),
        1 | 2 => world.goes_online(name),
        3 => device.line.bad_percent.set(rng.gen_range(0..40)),
        4 => world.restarts(name),
        _ => {}
    }
}

fn act(device: &Device, rng: &mut StdRng, made: &mut Made, word: &str) {
    let all: Vec<Row> = device.walk().into_iter().map(|(_, row)| row).collect();
    let all: Vec<Row> = all.into_iter().filter(|row| row.node != NodeId::RECOVERED).collect();
    let mut folders: Vec<NodeId> = vec![NodeId::ROOT];
    folders.extend(all.iter().filter(|row| row.kind == Kind::Folder).map(|row| row.node));
    let folder = *folders.choose(rng).unwrap();
    let some = all.choose(rng).map(|row| row.node);
    let replica = device.replica();
    // Few names, so that they collide.
    let name = format!("n{}", rng.gen_range(0..6));
    match rng.gen_range(0..13) {
        0 | 1 => {
            let reply = device.run(async move { replica.create_folder(folder, &name).await });
            note(&reply, made);
        }
        2 | 3 => {
            let reply = device.run(async move { replica.create_text(folder, &name).await });
            note(&reply, made);
        }
        4 | 5 => {
            let texts: Vec<NodeId> =
                all.iter().filter(|row| row.kind == Kind::Text).map(|row| row.node).collect();
            if let Some(node) = texts.choose(rng) {
                let at = rng.gen_range(0..1_000_usize);
                device.edits(*node, |text| {
                    // Words never grow into each other's middle.
                    let ends: Vec<usize> = std::iter::once(0)
                        .chain(text.match_indices('>').map(|(i, _)| i + 1))
                        .collect();
                    let at = ends[at % ends.len()];
                    format!("{}{word}{}", &text[..at], &text[at..])
                });
                made.words.entry(*node).or_default().push(word.to_owned());
            }
        }
        // What cannot be done here and now (into itself, into the trash) is refused.
        6 => {
            let Some(node) = some else { return };
            device.run(async move { replica.rename(node, &name).await.ok() });
        }
        7 => {
            let Some(node) = some else { return };
            device.run(async move { replica.move_to(&[node], folder).await.ok() });
        }
        8 => {
            let Some(node) = some else { return };
            device.run(async move { replica.trash(&[node]).await.ok() });
        }
        9 => {
            let Some(node) = some else { return };
            device.run(async move { replica.restore(&[node]).await.ok() });
        }
        10 => {
            let Some(node) = some else { return };
            let label = Label::parse(["", "a", "b c"].choose(rng).unwrap()).unwrap();
            let labelled = Labelled { label, on: rng.gen_bool(0.6) };
            device.run(async move { replica.label(&[node], &labelled).await.ok() });
        }
        _ => replaces(device, rng, word),
    }
}

/// Writes a text anew somewhere else, with all that is in it here, and uploads it over it.
fn replaces(device: &Device, rng: &mut StdRng, word: &str) {
    let all = device.walk();
    let live = all.iter().filter(|(path, row)| row.kind == Kind::Text && !path.contains(':'));
    let Some((path, row)) = live.collect::<Vec<_>>().choose(rng).copied().cloned() else {
        return;
    };
    // The upload takes what the device knows at its end for known by whoever began it.
    let was_offline = device.line.offline.replace(true);
    device.run_for(20_000);
    if row.two_versions {
        device.keeps_all_versions(row.node);
    }
    let (folder, name) = path.rsplit_once('/').unwrap();
    let siblings = device.rows(if folder.is_empty() { NodeId::ROOT } else { device.node(folder) });
    let same = |row: &&Row| row.name.split(' ').next() == name.split(' ').next();
    if let (1, Ok(text)) = (siblings.iter().filter(same).count(), device.reads_node(row.node)) {
        let text =
            [text.as_slice(), format!("[{word}]").replace(['<', '>'], "").as_bytes()].concat();
        let folder = if folder.is_empty() { "/" } else { folder };
        device.uploads(folder, &[(name, &text)], Clash::Replace);
        device.run_for(1_000);
    }
    device.line.offline.set(was_offline);
}

fn note(reply: &Result<offing_core::rpc::Reply, offing_core::rpc::Fault>, made: &mut Made) {
    if let Ok(offing_core::rpc::Reply::Created { node, .. }) = reply {
        made.nodes.push(*node);
    }
}

fn assert_nothing_lost(world: &World, made: &Made, seed: u64) {
    for device in world.devices() {
        let shown: Vec<NodeId> = device.walk().into_iter().map(|(_, row)| row.node).collect();
        for node in &made.nodes {
            assert!(shown.contains(node), "seed {seed}: {} lost a node", device.name);
        }
    }
    let device = world.device("phone");
    let shown: Vec<Row> = device.walk().into_iter().map(|(_, row)| row).collect();
    for row in shown.iter().filter(|row| row.two_versions) {
        let (node, replica) = (row.node, device.replica());
        // In the trash nothing can be made; its versions are settled where it was.
        device.run(async move { replica.restore(&[node]).await }).unwrap();
        device.keeps_all_versions(row.node);
    }
    let read = |row: &Row| String::from_utf8(device.reads_node(row.node).unwrap()).unwrap();
    let files =
        device.walk().into_iter().map(|(_, row)| row).filter(|row| row.kind != Kind::Folder);
    let texts: Vec<String> = files.map(|row| read(&row)).collect();
    for word in made.words.values().flatten() {
        let count = |text: &String| text.matches(word).count();
        assert!(texts.iter().any(|text| count(text) > 0), "seed {seed}: {word} is lost");
        assert!(texts.iter().all(|text| count(text) < 2), "seed {seed}: {word} is there twice");
    }
}
