//! The names of a ZIP's members: such as every system can hold, and no two the same.
//!
//! A name that Windows refuses is fit in a vault; in a ZIP that somebody opens there the
//! file would be missing, or lie elsewhere (`\` parts folders). So what it refuses is
//! replaced, and what then has a sibling's name is numbered.

use std::collections::HashMap;

use offing_core::{name, portable};

/// Names for siblings, in their order. Who can keep its name does.
pub(super) fn distinct(names: &[String]) -> Vec<String> {
    let mut given = vec![String::new(); names.len()];
    // Each folded name that is taken, with the number to try next.
    let mut taken: HashMap<String, u32> = HashMap::new();
    let is_fit = |at: &usize| portable::problem(&names[*at]).is_none();
    let (fit, unfit): (Vec<usize>, Vec<usize>) = (0..names.len()).partition(is_fit);
    for at in fit.into_iter().chain(unfit) {
        let wanted = portable::fit(&names[at]);
        let mut candidate = wanted.clone();
        while taken.contains_key(&name::fold(&candidate)) {
            let next = taken.entry(name::fold(&wanted)).or_insert(2);
            candidate = name::with_suffix(&wanted, *next);
            *next += 1;
        }
        taken.insert(name::fold(&candidate), 2);
        given[at] = candidate;
    }
    given
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(names: &[&str], expected: &[&str]) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(distinct(&names), expected);
    }

    #[test]
    fn names_that_every_system_can_hold_stay() {
        check(&["a.txt", "B", "文件"], &["a.txt", "B", "文件"]);
    }

    #[test]
    fn what_is_replaced_takes_no_sibling_s_name() {
        check(&["a?b", "a*b", "A_b"], &["a_b (2)", "a_b (3)", "A_b"]);
        check(&["x.", "x_ (2)", "x_"], &["x_ (3)", "x_ (2)", "x_"]);
    }

    #[test]
    fn files_of_several_folders_with_one_name_are_told_apart() {
        check(&["a.txt", "A.txt", "a.txt"], &["a.txt", "A (2).txt", "a (3).txt"]);
    }
}
