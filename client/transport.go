package client

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
)

// Transport is an http.RoundTripper that answers without a daemon and without a
// socket: whatever URL a request names, Handler serves it in this process, which
// is an *api.Server. Any Go client of OpenAI's API can use it:
//
//	openai.NewClient(option.WithHTTPClient(&http.Client{Transport: client.Transport{Handler: server}}), option.WithAPIKey(key))
type Transport struct{ Handler http.Handler }

// RoundTrip returns when the handler has written its header; the body streams.
// Closing it, or the end of the request's context, cancels what runs.
func (t Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	in.Host, in.RequestURI, in.RemoteAddr = "localhost", r.URL.RequestURI(), "127.0.0.1:0"
	if in.Body == nil {
		in.Body = http.NoBody
	}
	body, w := io.Pipe()
	out := &reply{header: http.Header{}, body: w, started: make(chan struct{}), response: &http.Response{Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r, ContentLength: -1}}
	ctx, cancel := context.WithCancel(r.Context())
	in = in.WithContext(ctx)
	out.response.Body = &replyBody{body, cancel}
	go func() {
		defer cancel()
		defer in.Body.Close()
		t.Handler.ServeHTTP(out, in)
		out.WriteHeader(http.StatusOK) // where nothing was written
		_ = w.Close()
	}()
	select {
	case <-out.started:
		return out.response, nil
	case <-r.Context().Done():
		_ = body.CloseWithError(r.Context().Err())
		return nil, r.Context().Err()
	}
}

// reply is the handler's writer. Every write is flushed.
type reply struct {
	header   http.Header
	body     *io.PipeWriter
	once     sync.Once
	started  chan struct{}
	response *http.Response
}

func (o *reply) Header() http.Header { return o.header }

func (o *reply) WriteHeader(status int) {
	o.once.Do(func() {
		o.response.StatusCode, o.response.Status, o.response.Header = status, http.StatusText(status), o.header.Clone()
		close(o.started)
	})
}

func (o *reply) Write(b []byte) (int, error) {
	o.WriteHeader(http.StatusOK)
	n, err := o.body.Write(b)
	if errors.Is(err, io.ErrClosedPipe) {
		err = http.ErrAbortHandler
	}
	return n, err
}

// Flush does nothing: a write is a read on the other side.
func (o *reply) Flush() {}

// replyBody cancels the request when it is closed.
type replyBody struct {
	*io.PipeReader
	cancel context.CancelFunc
}

func (b *replyBody) Close() error {
	b.cancel()
	return b.PipeReader.Close()
}
