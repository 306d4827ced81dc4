package journal

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// secretText stands for a secret in the tests; no byte of a journal may hold it.
const secretText = "s3cr3t-4eC39HqLyjWDarjtT1zdp7dc"

// TestNoPlaceKeepsASecret puts a secret into every place of a record that a client can write to, and looks for it
// in the ring's memory, in the file and in the Log.
func TestNoPlaceKeepsASecret(t *testing.T) {
	header := func(lines ...string) AttemptRecord {
		return AttemptRecord{RawHeader: []byte(strings.Join(lines, "\r\n") + "\r\n\r\n")}
	}
	body := func(s string) AttemptRecord {
		return AttemptRecord{Body: []byte(strings.ReplaceAll(s, "$", secretText))}
	}
	target := func(s string) AttemptRecord { return AttemptRecord{Target: strings.ReplaceAll(s, "$", secretText)} }

	cases := map[string]AttemptRecord{
		"a folded header":                header("Authorization: Bearer", " "+secretText, "\t"+secretText),
		"a header with a bare LF":        {RawHeader: []byte("X-Api-Key: " + secretText + "\nHost: h\n")},
		"a header without an end":        {RawHeader: []byte("X-Api-Key: " + secretText)},
		"a header before a space":        header("Authorization : " + secretText),
		"a header in odd case":           header("aUTHORIZATION: " + secretText),
		"a header as a map":              {Header: map[string][]string{"Authorization": {"a", secretText}, "Referer": {"http://h/?token=" + secretText}}},
		"a line without a colon":         header("Authorization "+secretText, "Host: h"),
		"a line that begins with colon":  header(": " + secretText),
		"the first line folded":          header(" " + secretText),
		"the query of Referer":           header("Referer: https://shop/?a=b&access_token=" + secretText),
		"the fragment of Referer":        header("Referer: https://shop/#access_token=" + secretText),
		"the user of Origin":             header("Origin: https://u:" + secretText + "@shop"),
		"a link in a list":               header("Link: <https://a/>; rel=next, <https://b/?key=" + secretText + ">; rel=last"),
		"a URL in a URL":                 target("/login?next=https%3A%2F%2Fb%2F%3Ftoken%3D$"),
		"a URL with a user in a URL":     target("/login?next=https%3A%2F%2Fu%3A$%40b"),
		"a plain URL with a user in one": target("/login?next=https://u:$@b/c"),
		"the target's query":             target("/a?x=1&api_key=$&y=2"),
		"the target's second ?":          target("/a?x=1?api_key=$"),
		"the target's matrix":            target("/a?x=1;sig=$"),
		"a value with odd bytes":         target("/a?sig=a,b;c'd?$&y=2"),
		"a value that begins oddly":      target("/a?sig=;$"),
		"a matrix parameter":             target("/a;jsessionid=$?x=1"),
		"an odd password":                target("http://u:a,b;c'd=$@shop/a"),
		"an odd password in a query":     target("/a?next=https://u:a,b';c&d=$@shop/a"),
		"an escaped name":                target("/a?api%5Fkey=$"),
		"an indexed name":                target("/a?token[]=$&user[password]=$"),
		"a proxy's target":               target("http://u:$@shop/a"),
		"a user alone":                   target("http://$@shop/a"),
		"an address in the user":         target("http://me@b.example:$@shop/a"),
		"the host":                       {Host: "u:" + secretText + "@shop"},
		"the nearest miss":               {Nearest: "no route fits GET /a?token=" + secretText},
		"a call named by print":          {Call: "GET /a?token=" + secretText + " e3b0c442"},
		"a call named by a secret field": {Call: secretText, Naming: NamedByHeader, RawHeader: []byte("X-Api-Key: " + secretText + "\r\n")},
		"a call that holds a secret":     {Call: "X-Api-Key=" + secretText, Naming: NamedByHeader, RawHeader: []byte("X-Api-Key: " + secretText + "\r\n")},
		"a client named by one":          {Client: secretText, RawHeader: []byte("X-Api-Key: " + secretText + "\r\n")},
		"a form":                         body("grant=x&client_secret=$&y=1"),
		"a form with a user":             body("hook=https://u:$@h/"),
		"a form that begins with it":     body("password=$"),
		"a text":                         body("please log in with token=$, thanks; see https://u:$@h/"),
		"JSON":                           body(`{"a":1,"password":"$"}`),
		"JSON with space":                body("{\n  \"client_secret\" :\t\"$\" }"),
		"JSON with an escaped name":      body(`{"pass\u0077ord":"$"}`),
		"JSON with an escaped value":     body(`{"password":"\"$","b":"\\"}`),
		"JSON with a list":               body(`{"token":["$",{"a":"$"}],"b":2}`),
		"JSON with an object":            body(`{"credentials":{"user":"$"},"b":2}`),
		"JSON in a list":                 body(`[{"api_key":"$"}]`),
		"JSON cut off in the value":      body(`{"password":"$`),
		"JSON cut off in a list":         body(`{"password":["$`),
		"JSON with a URL":                body(`{"hook":"https:\/\/u:$@h\/?a=1\u0026token=$"}`),
		"JSON with a URL, cut off":       body(`{"hook":"https://h/?token=$`),
	}
	for _, name := range []string{
		"Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie", "X-Api-Key", "Api-Key", "X-Auth-Token", "X-Amz-Security-Token",
		"Private-Token", "X-Vault-Token", "X-Client-Secret", "X-Hub-Signature-256", "Stripe-Signature", "webhook-signature", "X-Twilio-Signature",
		"Ocp-Apim-Subscription-Key", "X-Goog-Api-Key", "X-Password",
	} {
		cases["the header "+name] = header("Host: h", name+": "+secretText, "Accept: */*")
	}
	for _, name := range []string{
		"key", "api_key", "apikey", "access_token", "refresh_token", "token", "sig", "signature", "X-Amz-Signature", "X-Goog-Signature", "client_secret",
		"password", "accessToken", "X-Amz-Security-Token", "X-Amz-Credential", "AWSAccessKeyId", "jwt", "code_verifier",
	} {
		cases["the parameter "+name] = target("/a?b=c&" + name + "=$&d=e")
	}
	for what, r := range cases {
		t.Run(what, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "j")
			j := benchJournal(t, Options{File: path, KeepBody: 1000})
			if err := j.Attempt(&r); err != nil {
				t.Fatal(err)
			}
			ring := make([]byte, j.ring.head)
			j.ring.copyOut(ring, 0)
			file, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			log := fmt.Sprintf("%+v %s", j.Log().Attempts, j.Log().Attempts[0].Body)
			for where, text := range map[string]string{"ring": string(ring), "file": string(file), "Log": log} {
				if strings.Contains(text, secretText) {
					t.Errorf("the %s holds it: %q", where, text)
				}
				if !strings.Contains(text, "sha256") {
					t.Errorf("the %s has no hash of it: %q", where, text)
				}
			}
		})
	}
}

// redacted records an attempt and returns how it came out.
func redacted(t *testing.T, j *Journal, r AttemptRecord) Attempt {
	t.Helper()
	j.ring = newRing(10, leastBytes)
	if err := j.Attempt(&r); err != nil {
		t.Fatal(err)
	}
	return j.Log().Attempts[0]
}

func TestWhatIsNoSecretStays(t *testing.T) {
	j := benchJournal(t, Options{KeepBody: 1000})
	lines := []string{
		"Host: 127.0.0.1:8080", "Idempotency-Key: 4f1c", "traceparent: 00-4bf9-00f0-01", "User-Agent: curl/7.88 (+http://example.com/bot?a=1)",
		"Accept: text/html;q=0.9", "If-None-Match: \"a=b\"", "From: me@example.com", "Authorization: ", "X-Empty:",
		"amz-sdk-request: attempt=2; max=3", "X-Forwarded-For: 10.0.0.1", "Referer: https://shop.example:8443/a?page=2#top", "Content-Type: application/json",
	}
	for _, target := range []string{"/", "*", "/a?page=2&sort=key", "/a@b?c=d", "http://h:80/x?y", "/a?b=%3Dc%40d", "/a?=&&", "/a?token", "/a?token="} {
		r := AttemptRecord{Target: target, Call: "GET " + target, RawHeader: []byte(strings.Join(lines, "\r\n"))}
		a := redacted(t, j, r)
		if a.Target != target || a.Call != "GET "+target {
			t.Errorf("target %q, call %q; want %q in both", a.Target, a.Call, target)
		}
		var got []string
		for _, f := range a.Headers {
			got = append(got, f.Name+": "+f.Value)
		}
		for i, line := range lines {
			if want := strings.TrimSuffix(line, ":"); i >= len(got) || strings.TrimSuffix(got[i], ": ") != strings.TrimSuffix(want, ": ") {
				t.Errorf("field %d is not %q: %q", i, line, got)
			}
		}
	}
	for _, body := range []string{"", `{"amount":4999,"note":"a \"quoted\" = sign","token":null,"secret":""}`, "a=b&c", "plain", "[1,2]", `{"a`, "me@example.com"} {
		if a := redacted(t, j, AttemptRecord{Body: []byte(body)}); string(a.Body) != body {
			t.Errorf("body %q came out as %q", body, a.Body)
		}
	}
}

func TestEqualSecretsHaveEqualHashes(t *testing.T) {
	auth := func(j *Journal, secret string) string {
		return redacted(t, j, AttemptRecord{RawHeader: []byte("Authorization: " + secret)}).Headers[0].Value
	}
	a := benchJournal(t, Options{})
	one, again, other := auth(a, "one"), auth(a, "one"), auth(a, "other")
	if one != again || one == other {
		t.Errorf("hashes of one, one, other: %s, %s, %s", one, again, other)
	}
	if !regexp.MustCompile(`^sha256:[0-9a-f]{16}$`).MatchString(one) {
		t.Errorf("hash %q", one)
	}
	if query := redacted(t, a, AttemptRecord{Target: "/?key=one"}).Target; query != "/?key="+one {
		t.Errorf("the hash in a query is another: %s, %s", query, one)
	}
	if b := benchJournal(t, Options{}); auth(b, "one") == one || a.Header().Salt == b.Header().Salt {
		t.Error("two runs have one salt")
	}
	x, y := benchJournal(t, Options{Salt: []byte("x")}), benchJournal(t, Options{Salt: []byte("x")})
	if auth(x, "one") != auth(y, "one") || x.Header().Salt != y.Header().Salt {
		t.Error("one salt gives two hashes")
	}
	if strings.Contains(x.Header().Salt, "x") {
		t.Error("the header tells the salt")
	}
}

func TestCallNamedByASecretStaysOneCall(t *testing.T) {
	j := benchJournal(t, Options{})
	name := func(key string) string {
		return redacted(t, j, AttemptRecord{Call: key, Naming: NamedByHeader, RawHeader: []byte("X-Api-Key: " + key)}).Call
	}
	if a, b, c := name("k1"), name("k1"), name("k2"); a != b || a == c {
		t.Errorf("calls k1, k1, k2 are named %s, %s, %s", a, b, c)
	}
}

// TestHeaderBlockSeenBefore alternates between blocks, so that what an encoder keeps of one meets the next.
func TestHeaderBlockSeenBefore(t *testing.T) {
	e := &encoder{secrets: newRedactor(DefaultSecretHeaders(), DefaultSecretParams(), []byte("salt"))}
	plain := AttemptRecord{Call: "k", RawHeader: []byte("Host: a\r\nX-Id: k\r\n")}
	secret := AttemptRecord{Call: "k", RawHeader: []byte("Host: a\r\nX-Api-Key: k\r\n")}
	other := AttemptRecord{Call: "other", RawHeader: secret.RawHeader}
	asMap := AttemptRecord{Call: "k", Header: map[string][]string{"X-Id": {"map"}}}
	none := AttemptRecord{Call: "k"}
	want := map[*AttemptRecord]Attempt{}
	for _, r := range []*AttemptRecord{&plain, &plain, &secret, &other, &secret, &plain, &asMap, &plain, &plain, &none, &plain, &secret} {
		var v View
		v.a.glance(e.attempt(r)[frameHead:])
		got := *v.Attempt()
		if first, ok := want[r]; ok && !reflect.DeepEqual(got, first) {
			t.Errorf("got %+v\nat first %+v", got, first)
		}
		want[r] = got
	}
	if a := want[&plain]; a.Call != "k" || a.Headers[1] != (Field{"X-Id", "k"}) {
		t.Errorf("the plain attempt is %+v", a)
	}
	if a := want[&secret]; a.Call == "k" || a.Call != a.Headers[1].Value {
		t.Errorf("the attempt with a secret is %+v", a)
	}
	if len(want[&none].Headers) != 0 || want[&asMap].Headers[0].Value != "map" || want[&other].Call != "other" {
		t.Errorf("got %+v", want)
	}
}

func TestOwnListsOfSecrets(t *testing.T) {
	r := AttemptRecord{Target: "/?token=a&mine=b", RawHeader: []byte("Authorization: a\r\nX-Mine: b\r\n")}
	isHashed := func(s string) bool { return strings.Contains(s, "sha256:") }
	for _, s := range []struct {
		o                           Options
		token, mine, auth, mineHead bool
		why                         string
	}{
		{Options{}, true, false, true, false, "nil is the defaults"},
		{Options{SecretHeaders: []string{}, SecretParams: []string{}}, false, false, false, false, "empty is none"},
		{Options{SecretHeaders: []string{"x-m*"}, SecretParams: []string{"*I?E", "mine"}}, false, true, false, true, "a list of one's own replaces them"},
		{Options{SecretHeaders: append(DefaultSecretHeaders(), "X-Mine")}, true, false, true, true, "or adds to them"},
	} {
		a := redacted(t, benchJournal(t, s.o), r)
		token, mine, _ := strings.Cut(a.Target, "&")
		got := []bool{isHashed(token), isHashed(mine), isHashed(a.Headers[0].Value), isHashed(a.Headers[1].Value)}
		if want := []bool{s.token, s.mine, s.auth, s.mineHead}; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: hashed %v, want %v", s.why, got, want)
		}
	}
}

func TestPatterns(t *testing.T) {
	for _, s := range []struct {
		pattern, name string
		want          bool
	}{
		{"Cookie", "cookie", true},
		{"Cookie", "Cookie2", false},
		{"*-Token", "x-auth-token", true},
		{"*-Token", "token", false},
		{"X-*", "x-", true},
		{"*sign*", "design-system", true},
		{"a*b*c", "aXbYc", true},
		{"a*b*c", "ac", false},
		{"ab*ba", "aba", false},
		{"*", "", true},
	} {
		m := &matcher{patterns: compilePatterns([]string{s.pattern})}
		for range 2 { // looked up, then known
			if got := m.match([]byte(s.name)); got != s.want {
				t.Errorf("%q fits %q: %v, want %v", s.name, s.pattern, got, s.want)
			}
		}
	}
}

func TestMatcherWithMoreNamesThanSlots(t *testing.T) {
	m := &matcher{patterns: compilePatterns([]string{"*7"})}
	for range 2 {
		for i := range 4 * knownSlots {
			name := fmt.Appendf(nil, "name-%d", i)
			if got, want := m.match(name), bytes.HasSuffix(name, []byte("7")); got != want {
				t.Fatalf("match(%s) = %v", name, got)
			}
		}
	}
	if m.match([]byte(strings.Repeat("x", knownLength)+"7")) != true {
		t.Error("a long name does not fit")
	}
}

func FuzzRedact(f *testing.F) {
	f.Add("Authorization: x\r\n y\r\nReferer: http://a:b@c/?token=1\r\n", "/a?b=%3f%3Dc#d", `{"token":["a`)
	f.Add("Host: h", "http://u@h", "a=b&key=c@d://e@f")
	f.Fuzz(func(t *testing.T, header, target, body string) {
		e := &encoder{secrets: newRedactor(DefaultSecretHeaders(), DefaultSecretParams(), []byte("salt")), keepBody: 1 << 20}
		frame := e.attempt(&AttemptRecord{RawHeader: []byte(header), Target: target, Body: []byte(body)})
		var v View
		v.a.glance(frame[frameHead:])
		if a := v.Attempt(); !strings.ContainsAny(target, "=@") && a.Target != target {
			t.Errorf("target %q came out as %q", target, a.Target)
		}
	})
}
