package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"time"
)

// served is the first line of a process that serves.
type served struct {
	URL string `json:"url"`
}

// serve serves h on a free port until ctx ends, and tells where.
func serve(ctx context.Context, h http.Handler) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	defer context.AfterFunc(ctx, func() { _ = s.Close() })() // what still runs is of no use
	if err = json.NewEncoder(os.Stdout).Encode(served{"http://" + l.Addr().String()}); err != nil {
		return err
	}
	if err = s.Serve(l); errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// serveProxy is one hop of a plain reverse proxy to the URL in args: the standard
// library's, with connections enough and every write flushed. It reads the body
// first: otherwise answers of fast engines are cut now and then, where they
// overtake the request.
func serveProxy(ctx context.Context, args []string) error {
	target, err := url.Parse(args[0])
	if err != nil {
		return err
	}
	p := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }, FlushInterval: -1,
		Transport: &http.Transport{MaxIdleConnsPerHost: 1024, DisableCompression: true}}
	return serve(ctx, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, "the request was cut", http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		p.ServeHTTP(w, r)
	}))
}
