//! Which packages are there for torch alone, so that another build of torch replaces them too.

use std::collections::{BTreeMap, BTreeSet};

use super::Lock;
use crate::torch::has_builds;

impl Lock {
    /// The locked packages of which each backend has a build of its own.
    pub fn torch_builds(&self) -> BTreeSet<String> {
        self.packages.iter().map(|package| package.name.clone()).filter(|name| has_builds(name)).collect()
    }

    /// Those builds and every package that the environment needs only through them: what a machine
    /// with another backend installs in other versions, or not at all. Computed from who needs whom,
    /// so that no list of names grows old.
    pub fn torch_only(&self) -> BTreeSet<String> {
        let all = self.reached(|_| true);
        let otherwise = self.reached(|name| !has_builds(name));
        all.into_iter().filter(|name| has_builds(name) || !otherwise.contains(name)).collect()
    }

    /// What is reached from the roots, going on only from packages that `goes_on` allows.
    fn reached(&self, goes_on: impl Fn(&str) -> bool) -> BTreeSet<String> {
        let mut needs: BTreeMap<&str, BTreeSet<&String>> = BTreeMap::new();
        for package in &self.packages {
            needs.entry(&package.name).or_default().extend(&package.needs);
        }
        let mut reached = BTreeSet::new();
        let mut open: Vec<&String> = self.roots.iter().collect();
        while let Some(name) = open.pop() {
            if reached.insert(name.clone()) && goes_on(name) {
                open.extend(needs.get(name.as_str()).into_iter().flatten());
            }
        }
        reached
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::python_lock::Package;

    fn lock(roots: &str, edges: &[(&str, &str)]) -> Lock {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect();
        let package = |(name, needs): &(&str, &str)| Package {
            name: (*name).to_owned(),
            needs: words(needs),
            ..Package::default()
        };
        Lock { roots: words(roots), packages: edges.iter().map(package).collect(), ..Lock::default() }
    }

    fn only(roots: &str, edges: &[(&str, &str)]) -> String {
        lock(roots, edges).torch_only().into_iter().collect::<Vec<_>>().join(" ")
    }

    const TORCH: [(&str, &str); 9] = [
        ("torch", "filelock sympy nvidia-cudnn-cu12 triton"),
        ("torchvision", "torch numpy"),
        ("filelock", ""),
        ("sympy", "mpmath"),
        ("mpmath", ""),
        ("nvidia-cudnn-cu12", "nvidia-cublas-cu12"),
        ("nvidia-cublas-cu12", ""),
        ("triton", ""),
        ("numpy", ""),
    ];

    #[test]
    fn what_only_torch_needs_goes_with_it() {
        let everything = "filelock mpmath numpy nvidia-cublas-cu12 nvidia-cudnn-cu12 sympy torch torchvision triton";
        assert_eq!(only("torch torchvision", &TORCH), everything);
        // What a pack or ComfyUI needs as well stays as it is locked, with all that it needs.
        assert_eq!(
            only("torch torchvision numpy sympy", &TORCH),
            "filelock nvidia-cublas-cu12 nvidia-cudnn-cu12 torch torchvision triton"
        );
    }

    #[test]
    fn packages_that_need_torch_stay() {
        let edges = [&TORCH[..], &[("pack", "torch filelock"), ("xformers", "torch")]].concat();
        let found = only("pack xformers", &edges);
        assert_eq!(found, "mpmath nvidia-cublas-cu12 nvidia-cudnn-cu12 sympy torch triton xformers");
    }

    #[test]
    fn circles_end_and_without_torch_there_is_nothing() {
        assert_eq!(only("a", &[("a", "b"), ("b", "a")]), "");
        assert_eq!(only("torch", &[("torch", "b"), ("b", "torch c"), ("c", "b")]), "b c torch");
        assert_eq!(lock("torch", &TORCH).torch_builds().len(), 2);
    }

    proptest::proptest! {
        /// What stays has all that it needs: either it stays too, or it is one of the builds.
        #[test]
        fn what_stays_is_whole(
            roots in proptest::collection::vec(0..8_usize, 1..4),
            edges in proptest::collection::vec((0..8_usize, 0..8_usize), 0..24),
        ) {
            const NAMES: [&str; 8] = ["torch", "torchvision", "a", "b", "c", "d", "e", "f"];
            let package = |index: usize| Package {
                name: NAMES[index].to_owned(),
                needs: edges.iter().filter(|(from, _)| *from == index).map(|(_, to)| NAMES[*to].to_owned()).collect(),
                ..Package::default()
            };
            let roots = roots.into_iter().map(|index| NAMES[index].to_owned()).collect();
            let lock = Lock { roots, packages: (0..8).map(package).collect(), ..Lock::default() };
            let (all, only) = (lock.reached(|_| true), lock.torch_only());
            proptest::prop_assert!(only.is_subset(&all));
            for kept in lock.packages.iter().filter(|package| all.contains(&package.name) && !only.contains(&package.name)) {
                proptest::prop_assert!(kept.needs.iter().all(|need| !only.contains(need) || has_builds(need)), "{kept:?}");
            }
            for root in &lock.roots {
                proptest::prop_assert_eq!(only.contains(root), has_builds(root));
            }
        }
    }
}
