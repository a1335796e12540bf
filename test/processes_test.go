package test

import (
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hezuo/api/client"
	"hezuo/market"
	"hezuo/realtime"
)

// TestBadConfiguration starts the program with settings that are wrong: it says
// everything at once, with the fix, makes no store, and tells no secret.
func TestBadConfiguration(t *testing.T) {
	t.Parallel()
	const secret = "bm90IDMyIGJ5dGVz" // base64 of too few bytes
	for _, try := range []struct {
		name   string
		env    map[string]string
		args   []string
		status int
		says   []string
	}{
		{"values that make no sense", map[string]string{
			"HEZUO_LISTEN": "somewhere", "HEZUO_PUBLIC_URL": "ftp://x", "HEZUO_LOG__FORMAT": "xml", "HEZUO_LIMITS__BODY_BYTES": "5",
			"HEZUO_VAULT__MASTER_KEY": secret, "HEZUO_SMS__SENDER": "http", "HEZUO_STORE": "mongodb://user:" + secret + "@host",
		}, nil, 1, []string{"listen", "public_url", "log.format", "limits.body_bytes", "vault.master_key", "sms.url", "store"}},
		{"settings of nobody, and no numbers", map[string]string{
			"HEZUO_LISTN": "127.0.0.1:0", "HEZUO_LIMITS__BODY_BYTES": "many", "HEZUO_SHUTDOWN_TIMEOUT": "soon",
		}, nil, 1, []string{"HEZUO_LISTN", "HEZUO_LISTEN", "limits.body_bytes", "shutdown_timeout"}},
		{"no key", map[string]string{"HEZUO_VAULT__MASTER_KEY": ""}, nil, 1, []string{"vault.master_key"}},
		{"codes in a log of production", map[string]string{"HEZUO_ENVIRONMENT": "production", "HEZUO_PUBLIC_URL": "http://gigs.example.cn"}, nil, 1, []string{"sms.sender", "public_url"}},
		{"a flag of nobody", nil, []string{"--prot", "80"}, 2, []string{"--prot"}},
		{"a file that is not there", nil, []string{"--config", "none.yaml"}, 2, []string{"none.yaml"}},
	} {
		p := newPremises(t)
		for name, value := range try.env {
			if p.env[name] = value; value == "" {
				delete(p.env, name)
			}
		}
		status, out, log := p.run(append([]string{"serve"}, try.args...)...)
		if status != try.status {
			t.Errorf("%s: exits with %d, not %d: %s", try.name, status, try.status, log)
		}
		for _, s := range try.says {
			if !strings.Contains(log, s) {
				t.Errorf("%s: nothing is said of %s:\n%s", try.name, s, log)
			}
		}
		if strings.Contains(out+log, secret) {
			t.Errorf("%s: a secret is told:\n%s%s", try.name, out, log)
		}
		if files, err := os.ReadDir(p.dir); err != nil || len(files) > 0 {
			t.Errorf("%s: there are files: %v %v", try.name, files, err)
		}
	}
}

// TestServeRefuses starts servers that cannot serve what is there.
func TestServeRefuses(t *testing.T) {
	t.Parallel()
	p := newPremises(t)
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }() // nobody connected
	if status, _, log := p.run("serve", "--listen", taken.Addr().String()); status != 1 || !strings.Contains(log, "in use") {
		t.Errorf("a port that is taken: %d %s", status, log)
	}
	p.check()
	other := newPremises(t)
	p.env["HEZUO_VAULT__MASTER_KEY"] = other.env["HEZUO_VAULT__MASTER_KEY"]
	if status, _, log := p.run("serve"); status != 1 || strings.Contains(log, "goroutine") {
		t.Errorf("a store of another key: %d %s", status, log)
	}
	if err := os.WriteFile(other.store(), []byte("this is no database, but it is long enough to be looked at as one"), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, _, log := other.run("serve"); status != 1 || strings.Contains(log, "goroutine") {
		t.Errorf("a file that is no store: %d %s", status, log)
	}
}

// TestTwoProcesses has two servers on one store: the two sides of a handshake sit
// on different ones and hear each other.
func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	p := newPremises(t)
	w := p.found(t, p.serve())
	second := p.serve()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	employer := w.somebodyWith(market.Company)
	coop, err := p.signIn(ctx, second.url)
	if err != nil {
		t.Fatal(err)
	}
	do := doer(plainly)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(do.party(ctx, coop, w.operator, w.form(market.Cooperative, coop)))
	must(do.key(ctx, p, employer))
	must(do.key(ctx, p, coop))
	job, err := do.job(ctx, employer, w.operator, jobBody(employer.party, days(10, 3), 5))
	must(err)

	// The engine of either process makes the offer, once.
	_, err = do.team(ctx, coop, teamBody(coop.party, days(10, 3), 5))
	must(err)
	socket, err := coop.c.Socket(ctx)
	must(err)
	defer socket.Close()
	inbox, err := socket.Follow(ctx, client.InboxRoom, 0)
	must(err)
	offer, err := told(ctx, inbox, "handshake.offer", job)
	must(err)
	h := newsOf(t, offer).Handshake
	_, err = do(ctx, employer, "/v1/handshakes/"+h+"/yes", body{})
	must(err)
	_, err = do(ctx, coop, "/v1/handshakes/"+h+"/yes", body{})
	must(err)

	other, err := employer.c.Socket(ctx)
	must(err)
	defer other.Close()
	logs := map[*client.Socket]*client.Log{}
	for _, s := range []*client.Socket{socket, other} {
		logs[s], err = s.Follow(ctx, h, 0)
		must(err)
	}
	hears := func(from, to *client.Socket, text string) time.Duration {
		t.Helper()
		began := time.Now()
		_, err := from.Do(ctx, realtime.DoSay, h, body{"text": text})
		must(err)
		_, err = logs[to].Wait(ctx, func(e realtime.Entry) bool { return strings.Contains(string(e.Body), text) })
		must(err)
		return time.Since(began)
	}
	var slowest time.Duration
	for i := range 3 {
		slowest = max(slowest, hears(other, socket, fmt.Sprintf("甲说第%d句", i)), hears(socket, other, fmt.Sprintf("乙说第%d句", i)))
	}
	if slowest > 10*time.Second {
		t.Errorf("a message took %s to the other process, which looks every 2 s", slowest)
	}
	var both sync.WaitGroup
	for s, name := range map[*client.Socket]string{socket: "乙", other: "甲"} {
		both.Go(func() {
			for i := range 15 {
				if _, err := s.Do(ctx, realtime.DoSay, h, body{"text": fmt.Sprintf("%s抢着说第%d句", name, i)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	both.Wait()
	entries := entriesOf(ctx, t, employer, "/v1/rooms/"+h+"/entries")
	gapless(t, "the room", entries)
	if n := len(entries); n < 36 {
		t.Errorf("36 messages were said, and the room has %d entries", n)
	}
	for _, log := range logs {
		_, err := log.Wait(ctx, func(e realtime.Entry) bool { return e.N == int64(len(entries)) })
		must(err)
		if !slices.EqualFunc(log.Entries(), entries, func(a, b realtime.Entry) bool { return a.N == b.N && string(a.Body) == string(b.Body) }) {
			t.Error("the two sides heard different orders")
		}
	}

	must(do.agree(ctx, h, employer, coop))
	must(do.sign(ctx, h, employer))
	must(do.sign(ctx, h, coop))
	_, err = told(ctx, inbox, "agreement.signed", h)
	must(err)
	mine, err := fileOf(ctx, employer, h)
	must(err)
	theirs, err := fileOf(ctx, coop, h)
	must(err)
	if string(mine) != string(theirs) {
		t.Error("the two processes give different files")
	}
	p.check() // beside two servers
	w.stop()
	second.stop()
	p.check()
	t.Logf("the slowest message to the other process: %s", slowest.Round(time.Millisecond))
}
