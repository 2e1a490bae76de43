//! Connections that break at the worst moment: a lost answer to COMMIT is neither taken for a failure nor for a success, and
//! rows go live exactly once.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use worker::publish::Published;

use crate::support::{Place, Run, dataset, load, rows, table, target};

/// A simple query of one word, as it stands on the wire.
const COMMIT: &[u8] = b"Q\0\0\0\x0bCOMMIT\0";

/// When the connection breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// The server never hears of the COMMIT.
    Before,
    /// The server has committed and its answer is lost.
    After,
    /// The server never hears of it, and does not notice for a while that we are gone.
    Unnoticed,
}

/// Something between us and the server that breaks the connection once, at the first COMMIT after it was armed.
struct Wire {
    address: SocketAddr,
    armed: Arc<Mutex<Option<Cut>>>,
    release: Arc<AtomicBool>,
}

impl Wire {
    async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let wire = Self {
            address: listener.local_addr().unwrap(),
            armed: Arc::new(Mutex::new(None)),
            release: Arc::new(AtomicBool::new(false)),
        };
        let (armed, release) = (Arc::clone(&wire.armed), Arc::clone(&wire.release));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                tokio::spawn(relay(client, server, Arc::clone(&armed), Arc::clone(&release)));
            }
        });
        wire
    }

    fn arm(&self, cut: Cut) {
        *self.armed.lock().unwrap() = Some(cut);
    }
}

async fn relay(client: TcpStream, server: TcpStream, armed: Arc<Mutex<Option<Cut>>>, release: Arc<AtomicBool>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let back = tokio::spawn(async move { drop(tokio::io::copy(&mut from_server, &mut to_client).await) });
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(bytes @ 1..) = from_client.read(&mut buffer).await {
        let cut = if &buffer[..bytes] == COMMIT { armed.lock().unwrap().take() } else { None };
        if cut.is_some() {
            // Whatever the server says from now on, nobody hears it.
            back.abort();
        }
        match cut {
            Some(Cut::Before) => return,
            Some(Cut::Unnoticed) => {
                drop(from_client);
                while !release.load(Ordering::Relaxed) {
                    tokio::task::yield_now().await;
                }
                return;
            }
            Some(Cut::After) | None => to_server.write_all(&buffer[..bytes]).await.unwrap(),
        }
        if cut.is_some() {
            return;
        }
    }
    back.abort();
}

async fn publish_cut(place: &Place, cut: Cut) -> Published {
    let dataset = dataset(&[table("t", &["id integer not null", "file text"])]);
    load(place, &dataset, &[("t", rows("1,old"))]).await.unwrap();
    let wire = Wire::to(place.cluster.port()).await;
    let url = place.url.replace(&format!(":{}/", place.cluster.port()), &format!(":{}/", wire.address.port()));
    let run = Run::begin_on(target(&url), &dataset).await;
    let staging = run.stage(&[("t", rows("1,new;2,new"))]).await.unwrap();
    wire.arm(cut);
    let publishing = run.publish(&staging, Duration::from_secs(30));
    let noticing = async {
        let asked = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_xact_status($1%' AND state = 'idle'";
        while cut == Cut::Unnoticed && place.value(asked) == "0" {
            tokio::task::yield_now().await;
        }
        wire.release.store(true, Ordering::Relaxed);
    };
    let (published, ()) = tokio::join!(publishing, noticing);
    let published = published.unwrap();
    assert_eq!(place.value("SELECT string_agg(file, ' ') FROM public.t"), "new new");
    assert_eq!(place.value("SELECT file FROM freshet_previous_d.t"), "old");
    assert_eq!(place.value("SELECT generation FROM freshet.published"), "2");
    assert_eq!(
        place.value(&format!("SELECT state FROM freshet.runs WHERE run = '{}'", run.publication.run)),
        "published"
    );
    published
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_the_server_never_heard_of_is_made_again() {
    assert_eq!(Box::pin(publish_cut(&Place::new(), Cut::Before)).await.tries, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_answer_was_lost_is_not_made_again() {
    assert_eq!(Box::pin(publish_cut(&Place::new(), Cut::After)).await.tries, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_fate_is_not_decided_yet_is_waited_for() {
    assert_eq!(Box::pin(publish_cut(&Place::new(), Cut::Unnoticed)).await.tries, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_ended_while_it_waits_for_locks_is_replaced() {
    let place = Place::new();
    let dataset = dataset(&[table("t", &["id integer not null", "file text"])]);
    load(&place, &dataset, &[("t", rows("1,old"))]).await.unwrap();
    let run = Run::begin(&place, &dataset).await;
    let staging = run.stage(&[("t", rows("1,new"))]).await.unwrap();
    let blocker = freshet_tests::postgres::connect(&place.cluster.superuser_url_of(&place.database)).await.unwrap();
    blocker.batch_execute("BEGIN; LOCK TABLE public.t").await.unwrap();
    let ended = Arc::new(AtomicBool::new(false));
    let publishing = run.publish_telling(&staging, Duration::from_secs(30), |_| {
        if !ended.swap(true, Ordering::Relaxed) {
            place.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid IN (
                           SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'freshet d%' AND query LIKE 'ROLLBACK%')");
        }
    });
    let unblocking = async {
        while !ended.load(Ordering::Relaxed) {
            tokio::task::yield_now().await;
        }
        blocker.batch_execute("COMMIT").await.unwrap();
    };
    let (published, ()) = tokio::join!(publishing, unblocking);
    assert!(published.unwrap().tries >= 2);
    assert_eq!(place.value("SELECT file FROM public.t"), "new");
}

#[tokio::test]
async fn rows_that_break_off_leave_nothing_behind() {
    use bytes::Bytes;
    use futures_util::stream;
    use worker::staging::LoadError;

    let place = Place::new();
    let dataset = dataset(&[table("t", &["id integer not null", "file text"])]);
    let run = Run::begin(&place, &dataset).await;
    let staging = run.stage(&[("t", rows("1,old"))]).await.unwrap();
    place.sql("DROP TABLE freshet_staging_d.t");
    let survey = worker::publish::survey(&run.pool, &dataset).await.unwrap();
    let blueprint = &survey.blueprints().unwrap()[0];
    let whole = crate::support::encode(&dataset.tables[0], &rows("1,new;2,"));
    // The last field is NULL, whose bytes end like those of a complete stream.
    let half = whole.slice(..whole.len() - 2);
    assert_eq!(&half[half.len() - 2..], &whole[whole.len() - 2..]);

    // The source breaks off: it says so.
    let broken = [Ok(half.clone()), Err(std::io::Error::other("cut off"))];
    let error = staging.load_table(blueprint, stream::iter(broken)).await.unwrap_err();
    assert!(matches!(error, LoadError::Reading(_)), "{error}");
    // It forgets to say so.
    let cut = [Ok::<Bytes, std::io::Error>(whole.slice(..whole.len() - 8))];
    let error = staging.load_table(blueprint, stream::iter(cut)).await.unwrap_err();
    assert!(error.to_string().contains("without the mark of their end"), "{error}");
    // The load is given up.
    let stuck = stream::iter([Ok::<Bytes, std::io::Error>(half)]);
    let endless = futures_util::StreamExt::chain(stuck, stream::pending());
    let given_up = tokio::time::timeout(Duration::from_millis(200), staging.load_table(blueprint, endless)).await;
    assert!(given_up.is_err());
    while place.value("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY%' AND state = 'active'") != "0" {
        tokio::task::yield_now().await;
    }
    assert_eq!(place.value("SELECT to_regclass('freshet_staging_d.t')"), "NULL");
}

#[tokio::test]
async fn a_row_that_the_server_does_not_take_is_named() {
    let place = Place::new();
    let dataset = dataset(&[table("t", &["id integer not null", "file text"])]);
    let error = load(&place, &dataset, &[("t", rows("1,a;,b"))]).await.unwrap_err();
    assert_eq!(worker::fault::Fault::code(&error), "database_rejects_data");
    assert_eq!(worker::fault::Fault::exit(&error), worker::fault::Exit::Refused);
    assert!(error.to_string().contains("at row 2, column id"), "{error}");
}
