package drive

import (
	"context"
	"errors"
	"io"
	"net/url"
	"os"
	"strings"
	"time"

	"brownout/chaosserver/journal"
)

// DefaultGrace is how long a process group has between TERM and KILL.
const DefaultGrace = 5 * time.Second

// ErrTimedOut is the cause of a context that ends because the run took too long. A client that is ended by it is
// recorded as timed out; one that is ended by any other cause was ended by the run as it was told to, and its exit says
// nothing.
var ErrTimedOut = errors.New("the run took longer than its time limit")

// ErrEnough is the cause of a context that ends because the client has done all that it was waited for. A context that
// ends for neither reason was interrupted.
var ErrEnough = errors.New("the client has done enough")

// Site is where clients find the chaos server, and what they are told of the scenario.
type Site struct {
	URL  string   // base URL of the first host
	URLs []string // base URLs of all hosts, in order; nil: URL alone
	// CallURL is the base URL of a host, "" for the first, that names a call; Command needs none.
	CallURL  func(host string, call int) string
	Hosts    []string // names of the hosts, as of URLs; nil: one without a name
	CA       string   // path of the PEM file with the certificate authority that clients have to trust; "" without TLS
	Scenario string   // name
	Seed     uint64
	Webhooks *Webhooks // nil where the scenario has no deliveries
}

// Recorder takes down what clients did; *journal.Journal is one.
type Recorder interface {
	// Now is the time since the record began.
	Now() time.Duration
	// Client records a process once it has stopped.
	Client(journal.Client) error
	// Result records what a client said of one call.
	Result(journal.Result) error
}

var _ Recorder = (*journal.Journal)(nil)

// Driver makes a client work. Run returns when the client has done what it does, or when ctx has ended and nothing of the
// client is left. What became of each process stands in the record; the error says that the client could not be driven
// or the record not be written, and is never about what the client did.
type Driver interface {
	Run(ctx context.Context, site Site, rec Recorder) error
}

// Process says how a client's processes are started.
type Process struct {
	// Args are the command and its arguments, with placeholders. Required.
	Args []string
	// Env are variables, NAME=VALUE with placeholders, that are added to the environment of this process.
	Env []string
	// Dir is the folder in which the client works; "" is that of this process.
	Dir string
	// Stdin is what the client reads; nil is an empty input. One command for each call always reads an empty input.
	Stdin *os.File
	// Output is where the client's output goes, both streams; nil discards it. An *os.File is handed to the
	// client as it is; anything else is written to by one goroutine a process, and has to lock where there are several.
	Output io.Writer
	// Grace is how long a process group has between TERM and KILL; 0 is DefaultGrace.
	Grace time.Duration
	// Kill, once closed, ends the grace of every group at once; nil never does.
	Kill <-chan struct{}
}

// Command runs the client once.
type Command struct{ Process }

var _ Driver = (*Command)(nil)

// Run implements Driver.
func (c *Command) Run(ctx context.Context, site Site, rec Recorder) error {
	fill := strings.NewReplacer(site.placeholders(site.URL)...)
	_, err := c.run(ctx, fill, c.Stdin, site.URL, site, rec, 0)
	return err
}

// bases are the base URLs of all hosts that name a call, 0 for none.
func (s *Site) bases(call int) []string {
	if call == 0 {
		return append([]string{s.URL}, s.URLs[min(1, len(s.URLs)):]...)
	}
	if len(s.Hosts) == 0 {
		return []string{s.CallURL("", call)}
	}
	all := make([]string, len(s.Hosts))
	for i, host := range s.Hosts {
		all[i] = s.CallURL(host, call)
	}
	return all
}

// placeholders are those that hold for every client of a site.
func (s *Site) placeholders(base string) []string {
	port := ""
	if u, err := url.Parse(base); err == nil {
		port = u.Port()
	}
	return []string{"{url}", base, "{port}", port, "{ca}", s.CA}
}

// CallPlaceholders are the placeholders that only PerCall fills in.
var CallPlaceholders = []string{"{call}", "{method}", "{path}", "{body_file}"}

// TrustVariables are the variables that name the file of the certificate authority that a client has to trust: OpenSSL's and
// Go's, curl's, that of Python's requests, Node's, and our own. All but the last two replace what the client trusts
// otherwise.
var TrustVariables = []string{"SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "BROWNOUT_CA"}

// environment is that of this process, with what the client is told.
func (p *Process) environment(fill *strings.Replacer, base string, site Site, call int) []string {
	env := append(os.Environ(), bypass()...)
	env = append(env, "BROWNOUT_URL="+base, "BROWNOUT_URLS="+strings.Join(site.bases(call), ","),
		"BROWNOUT_SCENARIO="+site.Scenario, "BROWNOUT_SEED="+decimal(site.Seed))
	if site.CA != "" {
		for _, name := range TrustVariables {
			env = append(env, name+"="+site.CA)
		}
	}
	for _, v := range p.Env {
		env = append(env, fill.Replace(v))
	}
	return env
}

// bypass exempts the loopback address from proxies that the environment names, which could not reach the chaos server.
func bypass() []string {
	for _, name := range []string{"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"} {
		if os.Getenv(name) == "" {
			continue
		}
		var env []string
		for _, name := range []string{"no_proxy", "NO_PROXY"} {
			hosts := "127.0.0.1,localhost"
			if old := os.Getenv(name); old != "" {
				hosts = old + "," + hosts
			}
			env = append(env, name+"="+hosts)
		}
		return env
	}
	return nil
}
