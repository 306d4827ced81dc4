// Command retryablehttp is hashicorp/go-retryablehttp with its defaults as a client under test: it sends one request,
// copies the answer's body to standard output, and exits 0 for a 2xx, 22 for another status, 1 for an error.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"strings"

	"github.com/hashicorp/go-retryablehttp"
)

func main() {
	method := flag.String("method", "GET", "request method")
	body := flag.String("body", "", "request body")
	retries := flag.Int("retries", 4, "retries after the first attempt")
	flag.Parse()
	os.Exit(run(*method, flag.Arg(0), *body, *retries))
}

func run(method, url, body string, retries int) int {
	client := retryablehttp.NewClient()
	client.RetryMax = retries
	client.Logger = log.New(io.Discard, "", 0)
	var content any
	if body != "" {
		content = strings.NewReader(body)
	}
	req, err := retryablehttp.NewRequest(method, url, content)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	resp, err := client.Do(req)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer resp.Body.Close()
	if _, err := io.Copy(os.Stdout, resp.Body); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if resp.StatusCode/100 != 2 {
		fmt.Fprintln(os.Stderr, resp.Status)
		return 22
	}
	return 0
}
