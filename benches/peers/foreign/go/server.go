// Go's net/http: a goroutine and a channel for each client.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
)

var (
	mutex   sync.Mutex
	streams = map[chan []byte]struct{}{}
	// How many events wait for a client: by default more than the benchmark is ever ahead.
	queue = 4096
)

func events(response http.ResponseWriter, request *http.Request) {
	flusher := response.(http.Flusher)
	stream := make(chan []byte, queue)
	mutex.Lock()
	streams[stream] = struct{}{}
	mutex.Unlock()
	defer func() {
		mutex.Lock()
		delete(streams, stream)
		mutex.Unlock()
	}()
	response.Header().Set("Content-Type", "text/event-stream")
	response.Header().Set("Cache-Control", "no-cache")
	flusher.Flush()
	for {
		select {
		case event := <-stream:
			if _, err := response.Write(event); err != nil {
				return
			}
			flusher.Flush()
		case <-request.Context().Done():
			return
		}
	}
}

func publish(response http.ResponseWriter, request *http.Request) {
	data, err := io.ReadAll(request.Body)
	if err != nil {
		return
	}
	event := []byte(fmt.Sprintf("data: %s\n\n", data))
	mutex.Lock()
	for stream := range streams {
		stream <- event
	}
	mutex.Unlock()
	response.WriteHeader(http.StatusNoContent)
}

func main() {
	if len(os.Args) > 1 {
		queue, _ = strconv.Atoi(os.Args[1])
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("/events", events)
	http.HandleFunc("/publish", publish)
	fmt.Printf("listening on http://%s\n", listener.Addr())
	log.Fatal(http.Serve(listener, nil))
}
