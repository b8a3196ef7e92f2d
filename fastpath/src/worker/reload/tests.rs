use std::{path::Path, sync::mpsc};

use super::*;
use crate::engine::{Engine, Settings, rules::Variables, verdict::Enforcement};

const GOOD: &str = "drop udp any any -> any any (content:\"evil\"; sid:1;)\n";
const MORE: &str = "drop udp any any -> any any (content:\"evil\"; sid:1;)\nalert udp any any -> any any (content:\"x\"; sid:2;)\n";
const BAD: &str = "drop udp any any -> any any (content:\"evil\"; sid:1;)\nalert udp any any -> any any (nonsense; sid:3;)\n";

/// Workers that take what is offered as soon as they are asked to, and everything that a reload needs.
struct House {
    reload: Reload,
    text: Arc<Mutex<Result<&'static str, &'static str>>>,
}

fn load(text: &str, in_use: Option<&RuleSet>) -> Loaded {
    RuleSet::load([(Path::new("a.rules"), text)], &Default::default(), in_use)
}

impl House {
    fn new(workers: usize, on_new_failure: OnBadRule) -> Self {
        let (rules, report) = RuleSet::parse([(Path::new("a.rules"), GOOD)], &Variables::default());
        let text = Arc::new(Mutex::new(Ok::<_, &str>(GOOD)));
        let source = Arc::clone(&text);
        let reload = Reload {
            rules: Arc::new(rules),
            report,
            load: Box::new(move |in_use| {
                let text = *source.lock().unwrap();
                match text {
                    Ok("panic") => panic!("a defect"),
                    Ok(text) => Ok(load(text, Some(in_use))),
                    Err(reason) => Err(reason.into()),
                }
            }),
            on_new_failure,
            exchanges: std::iter::repeat_with(Arc::default).take(workers).collect(),
            figures: Arc::default(),
            stop: Arc::default(),
        };
        Self { reload, text }
    }

    /// A reload of `text`; the figures behind it, and the generation in use.
    fn reload(&mut self, text: Result<&'static str, &'static str>) -> (u64, u64, u32) {
        *self.text.lock().unwrap() = text;
        self.reload.reload();
        let figures = *self.reload.figures.lock().unwrap();
        (figures.reloads, figures.reloads_refused, self.reload.rules.generation())
    }
}

#[test]
fn what_is_worse_than_before_is_refused_and_the_rules_stay() {
    let mut house = House::new(0, OnBadRule::Refuse);
    assert_eq!(house.reload(Ok(MORE)), (1, 0, 2));
    assert_eq!(house.reload(Ok(BAD)), (1, 1, 2));
    assert_eq!(house.reload(Err("a.rules: cannot read")), (1, 2, 2));
    assert_eq!(house.reload(Ok("panic")), (1, 3, 2));
    assert_eq!(house.reload.rules.len(), 2);
    assert_eq!(house.reload(Ok(GOOD)), (2, 3, 3));
    assert_eq!(house.reload.rules.len(), 1);
}

#[test]
fn told_to_skip_bad_rules_it_does_but_unreadable_files_are_refused() {
    let mut house = House::new(0, OnBadRule::Skip);
    assert_eq!(house.reload(Ok(BAD)), (1, 0, 2));
    assert_eq!(house.reload.report.failed.len(), 1);
    assert_eq!(house.reload(Err("a.rules: cannot read")), (1, 1, 2));
    // What failed before is nothing new.
    house.reload.on_new_failure = OnBadRule::Refuse;
    assert_eq!(house.reload(Ok(BAD)), (2, 1, 3));
    let figures = house.reload.figures.lock().unwrap();
    assert_eq!((figures.loaded, figures.failed, figures.generation), (1, 1, 3));
}

#[test]
fn every_worker_gets_them_and_the_last_of_the_old_is_freed_by_the_reloader() {
    let mut house = House::new(3, OnBadRule::Refuse);
    let old = Arc::downgrade(&house.reload.rules);
    let stop = Arc::new(AtomicBool::new(false));
    let (freed, was_freed) = mpsc::channel();
    thread::scope(|scope| {
        for exchange in house.reload.exchanges.clone() {
            let mut engine = Engine::new(Arc::clone(&house.reload.rules), Settings::new(Enforcement::Drop));
            let (stop, old, freed) = (Arc::clone(&stop), old.clone(), freed.clone());
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let before = old.strong_count();
                    exchange.renew(&mut engine);
                    // Others may let go of it meanwhile, but this one only hands it on.
                    let _ = freed.send(before == 1 && old.strong_count() == 0);
                    thread::sleep(Duration::from_millis(1));
                }
            });
        }
        assert_eq!(house.reload(Ok(MORE)), (1, 0, 2));
        assert_eq!(old.strong_count(), 0, "the old rules are still there");
        stop.store(true, Ordering::Relaxed);
    });
    drop(freed);
    assert!(was_freed.iter().all(|by_a_worker| !by_a_worker));
}

#[test]
fn a_worker_that_hangs_holds_up_no_end() {
    let mut house = House::new(1, OnBadRule::Refuse);
    house.reload.stop.store(true, Ordering::Relaxed);
    assert_eq!(house.reload(Ok(MORE)), (1, 0, 2));
    assert_eq!(house.reload(Ok(GOOD)), (2, 0, 3));
    // It took none: only the last ones are there for it.
    let exchange = Arc::clone(&house.reload.exchanges[0]);
    let mut engine = Engine::new(Arc::clone(&house.reload.rules), Settings::new(Enforcement::Drop));
    exchange.renew(&mut engine);
    exchange.renew(&mut engine);
    assert!(exchange.take_returned().is_some() && exchange.take_returned().is_none());
}

#[test]
fn requests_while_one_runs_are_one_more() {
    let (begun, has_begun) = bounded(0);
    let (go, may_go) = bounded::<()>(0);
    let load: Load = Box::new(move |in_use| {
        begun.send(())?;
        may_go.recv()?;
        Ok(load(GOOD, Some(in_use)))
    });
    let (rules, report) = RuleSet::parse([(Path::new("a.rules"), GOOD)], &Variables::default());
    let stop = Arc::default();
    let reloader =
        Reloader::start((Arc::new(rules), report), load, OnBadRule::Refuse, Vec::new(), stop).unwrap();
    reloader.ask();
    has_begun.recv().unwrap();
    (0..5).for_each(|_| reloader.ask());
    go.send(()).unwrap();
    has_begun.recv().unwrap();
    go.send(()).unwrap();
    let soon = Instant::now() + Duration::from_secs(10);
    while reloader.figures().reloads < 2 {
        assert!(Instant::now() < soon, "the second reload is not counted");
        thread::sleep(LOOK);
    }
    assert!(has_begun.recv_timeout(Duration::from_millis(200)).is_err(), "a third reload");
    assert_eq!(reloader.figures().generation, 3);
}
