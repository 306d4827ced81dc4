package main

import (
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"brownout/scenarios"
	"brownout/suites/report"
)

// runOptions are what the command line of run says.
type runOptions struct {
	words    []string // that name scenarios
	client   []string // command and arguments
	perCall  bool
	env      []string
	seed     string
	only     string
	timeout  time.Duration
	until    string
	quietFor time.Duration // of until; 0: the client's own end
	jobs     int
	reports  []string
	targets  []report.Target // of reports
	format   string
	journal  string
	webhook  string // base URL of a consumer that runs already
	remote   bool   // which may be on another machine
	quiet    bool
	verbose  bool
	upstream upstreamOptions
}

func newRun() *cobra.Command {
	o := &runOptions{}
	cmd := &cobra.Command{
		Use:   "run FILE|NAME... [flags] -- COMMAND [ARG...]",
		Short: "Play scenarios to a client, and judge what it did",
		Long: `Play scenarios to a client, and judge what it did. For each scenario the chaos server is started on a free port and
COMMAND is run: it finds the server by BROWNOUT_URL in its environment, by --env, or by {url} in its arguments. With
--per-call it is run once for each call of the scenario's drive, with {call}, {method}, {path}, {body_file} and {port} too.
Where the scenario speaks TLS, {ca}, SSL_CERT_FILE, CURL_CA_BUNDLE, REQUESTS_CA_BUNDLE, NODE_EXTRA_CA_CERTS and BROWNOUT_CA
name the certificate to trust; BROWNOUT_URLS has the base URLs of all its hosts, commas between. With --upstream the chaos
server stands in front of a real server, which answers what no route of the scenario scripts.

Where a scenario has deliveries, COMMAND is the consumer of its webhooks: it listens on {port}, which is BROWNOUT_WEBHOOK_PORT in
its environment too, verifies with BROWNOUT_WEBHOOK_SECRET, and is ended once the deliveries are done. What it does for an
event is a call to the server. With --webhook the consumer runs already, and COMMAND, if there is one, is a client.`,
		Example: `  brownout run retry/two-503s -- curl -s --retry 3 {url}/items/1
  brownout run scenarios/payments.brownout.yaml -- npm test
  brownout run payments.brownout.yaml --env STRIPE_API_BASE={url} -- python pay.py
  brownout run backoff/jitter --per-call -- curl -s --retry 3 {url}{path}
  brownout run faults.brownout.yaml --upstream http://127.0.0.1:8080 -- npm test
  brownout run webhook/duplicate -- python consumer.py --port {port}
  brownout run webhook/duplicate --webhook http://127.0.0.1:3000
  brownout run ./... -j 4 --report json=out.json -- ./client --base-url {url}`,
		Annotations:           map[string]string{codesKey: "0 1 2 3 4 5 130"},
		DisableFlagsInUseLine: true,
		ValidArgsFunction:     completeScenarios,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.take(cmd, args); err != nil {
				return err
			}
			return runScenarios(cmd, o)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&o.perCall, "per-call", false, "run COMMAND once for each call of drive; its exit code is the call's outcome")
	f.StringArrayVar(&o.env, "env", nil, "`NAME=VALUE` for the client's environment, such as API_BASE={url}; repeatable")
	f.StringVar(&o.seed, "seed", "", "seed of all chance: a number, or random")
	f.StringVar(&o.only, "only", "", "play only the scenarios whose name fits the `GLOB`")
	f.DurationVar(&o.timeout, "timeout", 0, "time limit of each scenario (default 2m beyond what it names)")
	f.StringVar(&o.until, "until", "", "end a client that does not end by itself: `quiet=5s`, once nothing came for so long")
	f.IntVarP(&o.jobs, "jobs", "j", 1, "scenarios played side by side")
	f.StringArrayVar(&o.reports, "report", nil, "write a report into a file, `KIND=PATH`: json=PATH; repeatable")
	f.StringVar(&o.format, "format", "text", "text, or json for a line for each event and the verdict at last, on stdout")
	f.StringVar(&o.journal, "journal", "", "`DIR` for the journals (default .brownout/runs/ID, and .brownout/runs/last)")
	o.upstream.add(f)
	f.StringVar(&o.webhook, "webhook", "", "`URL` of a consumer that runs already, to which deliveries are sent")
	f.BoolVar(&o.remote, "allow-remote", false, "let --webhook name another machine")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "tell only of what did not pass, and the last line")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "tell of every attempt as it comes, and of every finding in full")
	return cmd
}

// completeScenarios completes the names of built-in scenarios; the shell adds files.
func completeScenarios(_ *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
	var names []string
	for _, name := range scenarios.BuiltinNames() {
		if strings.HasPrefix(name, begun) {
			names = append(names, name)
		}
	}
	return names, cobra.ShellCompDirectiveDefault
}

// take checks the command line.
func (o *runOptions) take(cmd *cobra.Command, args []string) error {
	dash := cmd.ArgsLenAtDash()
	if dash < 0 && o.webhook != "" {
		dash = len(args)
	}
	if dash < 0 {
		if len(args) == 0 {
			args = []string{"retry/two-503s"}
		}
		return usage("write it after two dashes: brownout run "+strings.Join(quoteAll(args), " ")+" -- COMMAND", "no client was given")
	}
	o.words, o.client = args[:dash], args[dash:]
	switch {
	case len(o.words) == 0:
		return usage("name a file, or one of brownout list: brownout run retry/two-503s -- COMMAND", "no scenario was given")
	case len(o.client) == 0 && o.webhook == "":
		return usage("write the client's command after the two dashes, such as -- npm test", "no client was given")
	case o.timeout < 0:
		return usage("write a duration such as --timeout 30s", "--timeout is above 0, got %s", o.timeout)
	case o.jobs < 1:
		return usage("write --jobs 1 or more", "--jobs is at least 1, got %d", o.jobs)
	case o.quiet && o.verbose:
		return usage("give one of them", "--quiet and --verbose exclude each other")
	}
	if err := checkWebhook(o.webhook, o.remote); err != nil {
		return err
	}
	if _, err := path.Match(o.only, ""); err != nil {
		return usage("* stands for any characters, ? for one", "--only %q is not a pattern", o.only)
	}
	for _, v := range o.env {
		if name, _, found := strings.Cut(v, "="); !found || name == "" {
			return usage("write --env API_BASE={url}", "--env is NAME=VALUE, got %q", v)
		}
	}
	for _, r := range o.reports {
		target, err := report.ParseTarget(r)
		if err != nil {
			return usage("write --report json=PATH", "%w", err)
		}
		o.targets = append(o.targets, target)
	}
	if err := o.takeUntil(); err != nil {
		return err
	}
	if err := o.upstream.take(); err != nil {
		return err
	}
	return checkFormat(o.format)
}

func (o *runOptions) takeUntil() error {
	if o.until == "" {
		return nil
	}
	text, found := strings.CutPrefix(o.until, "quiet=")
	d, err := time.ParseDuration(text)
	if !found || err != nil || d <= 0 {
		return usage("write --until quiet=5s", "--until is quiet=DURATION, got %q", o.until)
	}
	o.quietFor = d
	return nil
}

// again returns the command that plays one scenario again.
func (o *runOptions) again(name string, seed uint64) []string {
	words := []string{"brownout", "run", name, "--seed", fmt.Sprint(seed)}
	if o.perCall {
		words = append(words, "--per-call")
	}
	for _, v := range o.env {
		words = append(words, "--env", v)
	}
	if o.timeout > 0 {
		words = append(words, "--timeout", o.timeout.String())
	}
	if o.until != "" {
		words = append(words, "--until", o.until)
	}
	words = append(words, o.upstream.words()...)
	if o.webhook != "" {
		words = append(words, "--webhook", o.webhook)
	}
	if o.remote {
		words = append(words, "--allow-remote")
	}
	if len(o.client) == 0 {
		return words
	}
	return append(append(words, "--"), o.client...)
}

// fits reports whether a scenario's name fits --only, in which * stands for any characters, slashes too.
func (o *runOptions) fits(name string) bool {
	if o.only == "" {
		return true
	}
	const slash = "\x00" // path.Match stops at slashes, names hold none of these
	ok, err := path.Match(strings.ReplaceAll(o.only, "/", slash), strings.ReplaceAll(name, "/", slash))
	return err == nil && ok
}

func quoteAll(words []string) []string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = report.Quote(w)
	}
	return quoted
}
