//! Work on all cores, for what takes the processor's time and asks nobody.

/// Fewer items than this are not worth a thread.
const FEWEST: usize = 4;

/// `work` on each item, in their order. A panic in it goes on in the caller.
pub fn map<T: Send, R: Send>(items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let share = items.len().div_ceil(cores).max(FEWEST);
    if items.len() <= share {
        return items.into_iter().map(work).collect();
    }
    let mut items = items.into_iter().peekable();
    let mut shares = Vec::new();
    while items.peek().is_some() {
        shares.push(items.by_ref().take(share).collect::<Vec<_>>());
    }
    std::thread::scope(|scope| {
        let work = &work;
        let workers: Vec<_> = shares
            .into_iter()
            .map(|share| scope.spawn(move || share.into_iter().map(work).collect::<Vec<_>>()))
            .collect();
        workers
            .into_iter()
            .flat_map(|worker| match worker.join() {
                Ok(done) => done,
                Err(panic) => std::panic::resume_unwind(panic),
            })
            .collect()
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_order_stays() {
        for length in [0, 1, 4, 5, 64, 1_001] {
            let doubled = super::map((0..length).collect(), |number| number * 2);
            assert_eq!(doubled, (0..length).map(|n| n * 2).collect::<Vec<_>>());
        }
    }
}
