//go:build unix

package main

import (
	"flag"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// consumer is a small consumer of webhooks, for scripts:
//
//	consumer [-again] [-status STATUS] [-file FILE] [PORT]
//
// It verifies nothing. For each event that it has not seen, or with -again for each delivery, it makes a call to
// BROWNOUT_URL, and answers with the status. With -file it writes there what it was told by its environment.
func consumer(args []string) int {
	f := flag.NewFlagSet("consumer", flag.ContinueOnError)
	again := f.Bool("again", false, "do the work of duplicates too")
	status := f.Int("status", 200, "status of the answers")
	file := f.String("file", "", "where the environment is written")
	if f.Parse(args) != nil {
		return 64
	}
	if *file != "" {
		var told []string
		for _, v := range os.Environ() {
			if strings.HasPrefix(v, "BROWNOUT_WEBHOOK_SECRET") {
				told = append(told, v)
			}
		}
		if err := os.WriteFile(*file, []byte(strings.Join(told, "\n")+"\n"), 0o644); err != nil {
			return 1
		}
	}
	port := f.Arg(0)
	if port == "" {
		port = os.Getenv("BROWNOUT_WEBHOOK_PORT")
	}
	var mu sync.Mutex // guards seen
	seen := map[string]bool{}
	err := http.ListenAndServe(net.JoinHostPort("127.0.0.1", port), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		id := r.Header.Get("webhook-id")
		mu.Lock()
		known := seen[id]
		seen[id] = true
		mu.Unlock()
		if base := os.Getenv("BROWNOUT_URL"); base != "" && (!known || *again) {
			if resp, err := http.Post(base+"/effects/"+id, "", nil); err == nil {
				_ = resp.Body.Close()
			}
		}
		w.WriteHeader(*status)
	}))
	_, _ = io.WriteString(os.Stderr, "consumer: "+err.Error()+"\n")
	return 1
}

// sender CODE consumer|refusing ARG...: brownout ends with that exit code, while a consumer that answers 200, or 401, listens at
// URL, a word of the arguments.
func sender(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: sender CODE consumer|refusing ARG...")
	}
	status := http.StatusOK
	if args[1] == "refusing" {
		status = http.StatusUnauthorized
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(status)
	}))
	defer srv.Close()
	command := []string{args[0], "brownout"}
	for _, a := range args[2:] {
		command = append(command, strings.Replace(a, "URL", srv.URL, 1))
	}
	exits(ts, false, command)
}
