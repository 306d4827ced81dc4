//go:build unix

package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

func notifyTerm(c chan<- os.Signal) { signal.Notify(c, syscall.SIGTERM) }

// client is a small retrying client, for scripts:
//
//	client [-n ATTEMPTS] [-wait DURATION] [-ignore] [-refused] [-method METHOD] [-body FILE] [-env NAME] [-path PATH] [URL]
//
// It retries 429 and 503, and where it is to, a connection that is refused; it waits twice as long each time, and heeds a Retry-After in seconds unless it is to ignore it. It
// exits with 0 after a 2xx, else with 1.
func client(args []string) int {
	f := flag.NewFlagSet("client", flag.ContinueOnError)
	n := f.Int("n", 4, "attempts at most")
	wait := f.Duration("wait", 10*time.Millisecond, "before the first retry")
	ignore := f.Bool("ignore", false, "ignore Retry-After")
	refused := f.Bool("refused", false, "try again where the connection is refused")
	method := f.String("method", "GET", "method")
	body := f.String("body", "", "file of the content")
	env := f.String("env", "BROWNOUT_URL", "variable of the base URL")
	path := f.String("path", "/items/1", "below the base URL")
	if f.Parse(args) != nil {
		return 64
	}
	url := os.Getenv(*env) + *path
	if f.NArg() > 0 {
		url = f.Arg(0)
	}
	var content []byte
	if *body != "" {
		content, _ = os.ReadFile(*body)
	}
	pause := *wait
	for i := 1; ; i++ {
		status, after := attempt(*method, url, content)
		if status/100 == 2 {
			return 0
		}
		if status == 0 && *refused {
			status = 503
		}
		if status != 429 && status != 503 || i == *n {
			fmt.Fprintf(os.Stderr, "client: gave up after %d attempts with %d\n", i, status)
			return 1
		}
		if *ignore {
			after = 0
		}
		<-time.After(max(pause, after))
		pause *= 2
	}
}

// attempt sends one request, and returns its status, 0 where there is none, and the pause it asks for.
func attempt(method, url string, content []byte) (status int, after time.Duration) {
	req, err := http.NewRequest(method, url, bytes.NewReader(content))
	if err != nil {
		return 0, 0
	}
	req.Header.Set("User-Agent", "script-client/1")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, 0
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
	return resp.StatusCode, time.Duration(seconds) * time.Second
}
