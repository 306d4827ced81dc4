package clients

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What real clients are known to do, as they stand in Debian 12, Node and the module proxy: calibration of the verdict on
// clients that nobody here wrote. A client that is not installed is skipped by name.
var calibration = []struct {
	why      string
	scenario string
	flags    []string
	client   []string
	exit     int
	says     []string // in what brownout prints
}{
	{"curl waits 1 s, 2 s", "retry/two-503s", nil, curl("{url}/items/1"), 0, []string{"succeeds: 1 of 1", "attempts = 3"}},
	{"curl waits out seconds", "retry-after/seconds", nil, curl("{url}/items/1"), 0, []string{"honours_retry_after 2/2"}},
	{"curl waits out an IMF-fixdate", "retry-after/date", nil, curl("{url}/items/1"), 0, []string{"honours_retry_after 1/1"}},
	{"curl waits out an RFC 850 date", "retry-after/rfc850", nil, curl("{url}/items/1"), 0, []string{"honours_retry_after 1/1"}},
	{"curl waits out an asctime date", "retry-after/asctime", nil, curl("{url}/items/1"), 0, []string{"honours_retry_after 1/1"}},
	{"curl leaves a malformed Retry-After aside", "retry-after/malformed", nil, curl("{url}/items/1"), 0, nil},
	{"curl does not retry a final 404", "retry/final-404", nil, curl("{url}/items/1"), 0, nil},
	{"curl does not retry a reset", "retry/reset-once", nil, curl("{url}/items/1"), 1, []string{"check: succeeds"}},
	{"curl repeats a POST", "retry/unsafe-post", nil, append(curl("{url}/orders"), "--data", "item=1"), 1, []string{"The client sent POST 2 times", "check: no_unsafe_retry"}},
	{"curl has no jitter", "backoff/jitter", []string{"--per-call"}, curl("{url}{path}"), 1, []string{"20 waits", "check: backoff_jitters"}},
	{"one call tells nothing of jitter", "backoff/jitter", nil, curl("{url}/items/1"), 5, []string{"saw 1, needs 20"}},

	{"wget retries what it is told to", "retry/two-503s", nil, wget("--tries=4", "--retry-on-http-error=503", "{url}/items/1"), 0, []string{"attempts = 3"}},
	{"wget has no retry of a 503 of its own", "retry/two-503s", nil, wget("--tries=4", "{url}/items/1"), 1, []string{"made 1 attempt"}},
	{"wget does not read Retry-After", "retry-after/seconds", nil, wget("--tries=4", "--retry-on-http-error=503,429", "{url}/items/1"), 1, []string{"too early", "check: honours_retry_after"}},

	{"urllib3 retries", "retry/two-503s", nil, urllib3("GET", "{url}/items/1"), 0, []string{"attempts = 3"}},
	{"urllib3 does not repeat a POST", "retry/unsafe-post", nil, urllib3("POST", "{url}/orders"), 0, []string{"no_unsafe_retry"}},
	{"urllib3 waits out an asctime date", "retry-after/asctime", nil, urllib3("GET", "{url}/items/1"), 0, []string{"honours_retry_after 1/1"}},
	{"urllib3 loses the call to a malformed Retry-After", "retry-after/malformed", nil, urllib3("GET", "{url}/items/1"), 1, []string{"gave up after 1 attempt", "check: succeeds"}},

	{"Node's fetch retries nothing", "retry/two-503s", nil, fetch("GET", "{url}/items/1"), 1, []string{"gave up after 1 attempt", "check: succeeds"}},
	{"Node's fetch does not repeat a POST", "retry/unsafe-post", nil, fetch("POST", "{url}/orders"), 0, []string{"no_unsafe_retry"}},

	{"go-retryablehttp retries", "retry/two-503s", nil, retryablehttp("{url}/items/1"), 0, []string{"attempts = 3"}},
	{"go-retryablehttp repeats a POST", "retry/unsafe-post", nil, retryablehttp("-method", "POST", "-body", "item=1", "{url}/orders"), 1, []string{"check: no_unsafe_retry"}},
	{"go-retryablehttp reads an IMF-fixdate", "retry-after/date", nil, retryablehttp("{url}/items/1"), 0, []string{"honours_retry_after 1/1"}},
	{"go-retryablehttp reads no asctime date", "retry-after/asctime", nil, retryablehttp("{url}/items/1"), 1, []string{"too early", "check: honours_retry_after"}},

	{"curl tries a refused connection again if it is told to", "connection/refused-port", nil, append(curl("{url}/items/1"), "--retry-connrefused"), 0, []string{"succeeds: 1 of 1"}},
	{"curl does not do so by itself", "connection/refused-port", nil, curl("{url}/items/1"), 1, []string{"exited with 7 and made no call"}},
	{"curl tries a handshake again that was reset", "connection/cut-handshake", nil, append(curl("{url}/items/1"), "--retry-all-errors"), 0, []string{"succeeds: 1 of 1"}},
	{"curl gives up a handshake without an answer", "timeout/tls-stall", nil, append(curl("{url}/items/1"), "--retry-all-errors", "--max-time", "2"), 0, []string{"attempt_ends within 12s, 1/1"}},
	{"curl trusts CURL_CA_BUNDLE", "testdata/secure.yaml", nil, curl("{url}/items/1"), 0, []string{"succeeds: 1 of 1"}},
	{"wget trusts what it is told", "testdata/secure.yaml", nil, wget("--ca-certificate={ca}", "--tries=4", "--retry-on-http-error=503", "{url}/items/1"), 0, []string{"succeeds: 1 of 1"}},
	{"urllib3 trusts SSL_CERT_FILE", "testdata/secure.yaml", nil, urllib3("GET", "{url}/items/1"), 0, []string{"succeeds: 1 of 1"}},
	{"Node's fetch trusts NODE_EXTRA_CA_CERTS", "testdata/secure.yaml", nil, fetch("GET", "{url}/items/1"), 1, []string{"gave up after 1 attempt", "check: succeeds"}},
	{"go-retryablehttp trusts SSL_CERT_FILE", "testdata/secure.yaml", nil, retryablehttp("{url}/items/1"), 0, []string{"succeeds: 1 of 1"}},
	{"curl that trusts others alone is told why it never called", "testdata/secure.yaml", nil, append(curl("{url}/items/1"), "--cacert", "testdata/secure.yaml"), 5, []string{"TLS handshake"}},
	{"curl that checks another name is", "testdata/secure.yaml", nil, curl("--connect-to", "elsewhere.test:443:127.0.0.1:{port}", "https://elsewhere.test/items/1"), 5, []string{"the client ended 1 TLS connection without a request, and so never called"}},
	{"curl reaches a host by its name", "testdata/secure.yaml", nil, curl("--connect-to", "one:443:127.0.0.1:{port}", "https://one/items/1"), 0, []string{"succeeds: 1 of 1"}},
	{"Node that trusts nobody ends its connection in silence", "testdata/secure.yaml", []string{"--env", "NODE_EXTRA_CA_CERTS="}, fetch("GET", "{url}/items/1"), 5, []string{"TLS"}},

	{"a client that never calls has shown nothing", "retry/two-503s", nil, []string{"true"}, 5, []string{"the client never called GET /items/:id"}},
	{"a client that fails at once did not succeed", "retry/two-503s", nil, []string{"false"}, 1, []string{"exited with 1 and made no call"}},
	{"a client that dies by a signal could not be judged", "retry/two-503s", nil, []string{"sh", "-c", "kill -SEGV $$"}, 4, []string{"ended by a signal: SIGSEGV"}},
	{"a client that hangs ends with the time limit", "retry/two-503s", []string{"--timeout", "1s"}, []string{"sleep", "60"}, 4, []string{"still running", "time limit"}},
}

func curl(args ...string) []string { return append([]string{"curl", "-s", "--retry", "3"}, args...) }
func wget(args ...string) []string { return append([]string{"wget", "-q", "-O", "-"}, args...) }
func urllib3(args ...string) []string {
	return append([]string{"python3", "urllib3_get.py"}, args...)
}
func fetch(args ...string) []string { return append([]string{"node", "fetch.mjs"}, args...) }
func retryablehttp(args ...string) []string {
	return append([]string{"retryablehttp"}, args...)
}

func TestCalibration(t *testing.T) {
	bin := t.TempDir()
	build(t, "../..", filepath.Join(bin, "brownout"), "./cmd/brownout")
	build(t, ".", filepath.Join(bin, "retryablehttp"), "./retryablehttp")
	for _, c := range calibration {
		t.Run(c.why, func(t *testing.T) {
			if !strings.HasPrefix(c.scenario, "backoff/") { // spacing is measured with nothing else under way
				t.Parallel()
			}
			client := located(t, bin, c.client)
			args := append([]string{"run", c.scenario, "--no-color", "--journal", t.TempDir()}, c.flags...)
			cmd := exec.Command(filepath.Join(bin, "brownout"), append(append(args, "--"), client...)...)
			var out, errs bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &errs
			err := cmd.Run()
			if exit, isExit := errors.AsType[*exec.ExitError](err); err != nil && (!isExit || exit.ExitCode() < 0) {
				t.Fatalf("brownout: %v", err)
			}
			if got := cmd.ProcessState.ExitCode(); got != c.exit {
				t.Errorf("exit code %d, want %d", got, c.exit)
			}
			for _, want := range c.says {
				if !strings.Contains(out.String(), want) {
					t.Errorf("the verdict does not say %q", want)
				}
			}
			if t.Failed() {
				t.Logf("verdict:\n%s\nclient:\n%s", &out, &errs)
			}
		})
	}
}

func build(t *testing.T, dir, to, pkg string) {
	t.Helper()
	cmd := exec.Command("go", "build", "-o", to, pkg)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build %s: %v\n%s", pkg, err, out)
	}
}

// located returns the command with the path of its program, and skips the test where there is none.
func located(t *testing.T, bin string, command []string) []string {
	t.Helper()
	name := command[0]
	path, err := exec.LookPath(name)
	switch name {
	case "retryablehttp":
		path, err = filepath.Join(bin, name), nil
	case "python3":
		path, err = pythonWithUrllib3()
	}
	if err != nil {
		t.Skipf("%s is not installed: %v", name, err)
	}
	return append([]string{path}, command[1:]...)
}

// pythonWithUrllib3 returns the first python3 that has urllib3: Debian's package belongs to Debian's Python, which need not be
// the first in PATH.
func pythonWithUrllib3() (string, error) {
	for _, path := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/bin") {
		python := filepath.Join(path, "python3")
		if exec.Command(python, "-c", "import urllib3").Run() == nil {
			return python, nil
		}
	}
	return "", errors.New("no python3 has urllib3 (Debian: python3-urllib3)")
}
