//! axum: its documentation's event stream, over tokio's broadcast channel.

use std::convert::Infallible;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use futures_util::{Stream, StreamExt};
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;

use super::{QUEUE, announce};
use crate::Result;

type Sender = broadcast::Sender<String>;

#[tokio::main]
pub(super) async fn run() -> Result<()> {
    let (sender, _) = broadcast::channel(QUEUE);
    let app = Router::new()
        .route("/events", get(events))
        .route("/publish", post(publish))
        .with_state(sender);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    announce(listener.local_addr()?);
    let listener = listener.tap_io(|socket| {
        let _ = socket.set_nodelay(true);
    });
    axum::serve(listener, app).await?;
    Ok(())
}

async fn events(
    State(sender): State<Sender>,
) -> Sse<impl Stream<Item = std::result::Result<Event, Infallible>>> {
    let events = BroadcastStream::new(sender.subscribe())
        .filter_map(async |event| event.ok())
        .map(|data| Ok(Event::default().data(data)));
    Sse::new(events).keep_alive(KeepAlive::default())
}

async fn publish(State(sender): State<Sender>, data: String) -> StatusCode {
    let _ = sender.send(data);
    StatusCode::NO_CONTENT
}
