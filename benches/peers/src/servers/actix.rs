//! actix-web: a streaming response for each client, over tokio's broadcast channel.

use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpResponse, HttpServer};
use futures_util::StreamExt;
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;

use super::{QUEUE, announce};
use crate::Result;

type Sender = broadcast::Sender<Bytes>;

#[actix_web::main]
pub(super) async fn run() -> Result<()> {
    let (sender, _) = broadcast::channel::<Bytes>(QUEUE);
    let sender = Data::new(sender);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(sender.clone())
            .route("/events", web::get().to(events))
            .route("/publish", web::post().to(publish))
    })
    .bind("127.0.0.1:0")?;
    announce(server.addrs()[0]);
    server.run().await?;
    Ok(())
}

async fn events(sender: Data<Sender>) -> HttpResponse {
    let events = BroadcastStream::new(sender.subscribe())
        .filter_map(async |event| event.ok().map(Ok::<_, actix_web::Error>));
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header(("Cache-Control", "no-cache"))
        .streaming(Box::pin(events))
}

/// The event is encoded here, once for all streams.
async fn publish(sender: Data<Sender>, data: String) -> HttpResponse {
    let _ = sender.send(Bytes::from(format!("data: {data}\n\n")));
    HttpResponse::NoContent().finish()
}
