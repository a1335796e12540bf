package test

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// canaryPhone is in requests and may be in no answer.
const canaryPhone = "13898765432"

// TestBadRequests sends what is wrong with a request beside its fields.
func TestBadRequests(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	job := jobForm(b.employer.party).good
	draft := b.drafts["job"]
	with := func(b body, path string, value any) []byte {
		raw, err := json.Marshal(set(b, path, value))
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	good := with(job, "source", "")
	header := func(name, value string) http.Header { return http.Header{name: {value}} }
	post := func(raw []byte) request { return request{method: "POST", path: "/v1/jobs", body: raw} }
	get := func(path string) request { return request{method: "GET", path: path} }
	put := func(h http.Header) request {
		return request{method: "PUT", path: draft, body: without(job, "employer"), header: h}
	}
	before := b.stored()
	for _, try := range []struct {
		name  string
		q     request
		want  int
		field string // that the answer names; empty: none is to be named
	}{
		{"an unknown field", post(with(job, "salary", canaryPhone)), 422, "salary"},
		{"an unknown field below", post(with(job, "pay.bonus", 1)), 422, "pay.bonus"},
		{"an unknown field in a list", request{method: "POST", path: "/v1/teams", body: with(teamForm(b.coop.party).good, "free[0].hours", 8)}, 422, "free[0].hours"},
		{"truncated JSON", post(good[:len(good)-1]), 400, "body"},
		{"JSON with more behind it", post(append(bytes.Clone(good), " {}"...)), 400, "body"},
		{"no JSON", post([]byte("employer=" + canaryPhone)), 400, "body"},
		{"an empty body", post([]byte{}), 400, ""},
		{"a list in place of an object", post([]byte(`["` + canaryPhone + `"]`)), 422, "body"},
		{"null in place of an object", post([]byte(`null`)), 422, "body"},
		{"a number too large for any type", post(bytes.Replace(good, []byte("12000"), []byte("1e999"), 1)), 400, "body"},
		{"text that is no UTF-8", post(bytes.Replace(good, []byte("采摘苹果"), []byte("\xff\xfe\xfd"), 1)), 400, "body"},
		{"brackets without end", post(bytes.Repeat([]byte("["), 200_000)), 400, "body"},
		{"a body of another type", request{method: "POST", path: "/v1/jobs", body: good, header: header("Content-Type", "text/plain")}, 415, "body"},
		{"a form", request{method: "POST", path: "/v1/jobs", body: []byte("phone=" + canaryPhone), header: header("Content-Type", "application/x-www-form-urlencoded")}, 415, "body"},
		{"a body too large", post(with(job, "source", strings.Repeat(canaryPhone, 1<<17))), 413, ""},
		{"a packed body, small as it is", request{method: "POST", path: "/v1/jobs", body: packed(4 << 20), header: header("Content-Encoding", "gzip")}, 415, ""},
		{"a packed body for nobody", request{method: "POST", path: "/v1/sign-in/codes", body: packed(4 << 20), header: header("Content-Encoding", "gzip")}, 415, ""},

		{"an unknown query parameter", get("/v1/jobs?market=" + county + "&phone=" + canaryPhone), 422, "phone"},
		{"a missing query parameter", get("/v1/jobs"), 422, "market"},
		{"a query parameter too long", get("/v1/jobs?market=" + canaryPhone), 422, "market"},
		{"a limit of 0", get("/v1/jobs?market=" + county + "&limit=0"), 422, "limit"},
		{"a limit too high", get("/v1/jobs?market=" + county + "&limit=201"), 422, "limit"},
		{"a limit that is no number", get("/v1/jobs?market=" + county + "&limit=" + canaryPhone + "x"), 422, "limit"},
		{"a limit beyond all numbers", get("/v1/jobs?market=" + county + "&limit=" + canaryPhone + canaryPhone), 422, "limit"},
		{"a number below 0", get("/v1/me/inbox?after=-1"), 422, "after"},
		{"a cursor of nobody", get("/v1/jobs?market=" + county + "&cursor=" + canaryPhone), 422, "cursor"},
		{"a cursor that is no base64", get("/v1/jobs?market=" + county + "&cursor=%21%21"), 422, "cursor"},
		{"a side of no kind", get("/v1/handshakes/h/signing?as=" + canaryPhone), 422, "as"},

		{"a path that is nothing", get("/v1/" + canaryPhone), 404, ""},
		{"a document that is not there", get("/v1/jobs/" + canaryPhone), 404, ""},
		{"a path that leaves the API", get("/v1/jobs/..%2f..%2fhealthz"), 404, ""},
		{"another method", request{method: "PUT", path: "/v1/jobs", body: good}, 405, ""},
		{"another method beside the API", request{method: "POST", path: "/healthz"}, 405, ""},

		{"no key", request{method: "POST", path: "/v1/jobs", body: good, keyless: true}, 400, "Idempotency-Key"},
		{"a key too short", request{method: "POST", path: "/v1/jobs", body: good, header: header("Idempotency-Key", "1234567")}, 422, "Idempotency-Key"},
		{"a key too long", request{method: "POST", path: "/v1/jobs", body: good, header: header("Idempotency-Key", strings.Repeat("k", 129))}, 422, "Idempotency-Key"},
		{"a key with a space", request{method: "POST", path: "/v1/jobs", body: good, header: header("Idempotency-Key", canaryPhone+" x")}, 422, "Idempotency-Key"},
		{"a revision that is not the newest", put(header("If-Match", `"7"`)), 412, ""},
		{"a revision that is none", put(header("If-Match", `"`+canaryPhone+`x"`)), 422, "If-Match"},
		{"a revision of 0", put(header("If-Match", `"0"`)), 422, "If-Match"},
		{"a token of nobody", request{method: "GET", path: "/v1/me", token: canaryPhone}, 401, ""},
	} {
		if try.q.token == "" {
			try.q.token = b.employer.token()
			if strings.HasSuffix(try.q.path, "/teams") {
				try.q.token = b.coop.token()
			}
		}
		a := b.ask(try.q)
		if a.status != try.want {
			t.Errorf("%s: %d, not %d: %s", try.name, a.status, try.want, a.body)
			continue
		}
		if a.status == http.StatusMethodNotAllowed && a.header.Get("Allow") == "" {
			t.Errorf("%s: a 405 that does not say what is allowed", try.name)
		}
		if p := a.problem(t); try.field != "" && (!names(p, try.field) || p.Fix == "") {
			t.Errorf("%s: the answer does not name %s with a fix: %s", try.name, try.field, a.body)
		}
		if bytes.Contains(a.body, []byte(canaryPhone)) || bytes.Contains(a.body, []byte("goroutine")) || len(a.body) > 2000 {
			t.Errorf("%s: the answer says too much: %.3000s", try.name, a.body)
		}
	}
	if after := b.stored(); after != before {
		t.Errorf("bad requests changed what is stored:\n%s\n%s", before, after)
	}
	b.stop()
	b.check()
}

// packed gives many bytes of one kind as few.
func packed(bytesOfIt int) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, _ = z.Write(bytes.Repeat([]byte(" "), bytesOfIt)) // memory takes it
	_ = z.Close()
	return out.Bytes()
}

// TestRevisions changes a document by the revision that was seen.
func TestRevisions(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	path := b.drafts["job"]
	change := func(tag, title string) answer {
		return b.ask(request{
			method: "PUT", path: path, token: b.employer.token(), header: http.Header{"If-Match": {tag}},
			body: set(without(jobForm("").good, "employer"), "title", title),
		})
	}
	first := b.ask(request{method: "GET", path: path, token: b.employer.token()}).header.Get("ETag")
	a := change(first, "采摘梨子")
	second := a.header.Get("ETag")
	if a.status != 200 || second == "" || second == first {
		t.Fatalf("a change of the newest revision: %d %q, before %q", a.status, second, first)
	}
	if a := change(first, "采摘桃子"); a.status != http.StatusPreconditionFailed {
		t.Errorf("a change of an old revision: %d %s", a.status, a.body)
	}
	if a := change("W/"+second, "采摘杏子"); a.status != 200 {
		t.Errorf("a weak tag: %d %s", a.status, a.body)
	}
	if a := change("*", "采摘李子"); a.status != 200 {
		t.Errorf("any revision: %d %s", a.status, a.body)
	}
	var won, lost int
	var mu sync.Mutex
	var all sync.WaitGroup
	newest := b.ask(request{method: "GET", path: path, token: b.employer.token()}).header.Get("ETag")
	for range 8 {
		all.Go(func() {
			a := change(newest, "抢着改"+rand.Text()[:8])
			mu.Lock()
			defer mu.Unlock()
			switch a.status {
			case 200:
				won++
			case http.StatusPreconditionFailed:
				lost++
			}
		})
	}
	all.Wait()
	if won != 1 || lost != 7 {
		t.Errorf("of 8 changes of one revision %d won and %d lost", won, lost)
	}
	b.stop()
	b.check()
}

// TestIdempotencyKeys repeats what makes something.
func TestIdempotencyKeys(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	key := rand.Text()
	post := func(who *person, key, path string, in body) answer {
		return b.ask(request{method: "POST", path: path, token: who.token(), body: in, header: http.Header{"Idempotency-Key": {key}}})
	}
	job := jobForm(b.employer.party).good
	first := post(b.employer, key, "/v1/jobs", job)
	if first.status != http.StatusCreated || first.header.Get("Idempotency-Replayed") != "" {
		t.Fatalf("%d %s", first.status, first.body)
	}
	same := func(when string, s *server) {
		t.Helper()
		again := s.ask(request{method: "POST", path: "/v1/jobs", token: b.employer.token(), body: job, header: http.Header{"Idempotency-Key": {key}}})
		if again.status != first.status || !bytes.Equal(again.body, first.body) || again.header.Get("ETag") != first.header.Get("ETag") ||
			again.header.Get("Content-Type") != first.header.Get("Content-Type") || again.header.Get("Idempotency-Replayed") != "true" {
			t.Errorf("%s the repeat's answer is another one: %d %v\n%s\n%s", when, again.status, again.header, again.body, first.body)
		}
	}
	same("at once", b.server)
	id := read[seen](t, first).ID
	b.must(plainly(t.Context(), b.employer, "/v1/jobs/"+id+"/closing", body{"reason": "行情有变"}))
	same("after the job went on", b.server)

	for _, try := range []struct {
		name string
		a    answer
		want int
		code string
	}{
		{"the same key with another body", post(b.employer, key, "/v1/jobs", set(job, "title", "采摘梨子")), 422, "reused"},
		{"the same key on another route", post(b.employer, key, "/v1/teams", teamForm(b.employer.party).good), 422, "reused"},
		{"the same key of somebody else", post(b.coop, key, "/v1/teams", teamForm(b.coop.party).good), 201, ""},
		{"another key", post(b.employer, rand.Text(), "/v1/jobs", job), 201, ""},
	} {
		if try.a.status != try.want || try.code != "" && string(try.a.problem(t).Code) != try.code {
			t.Errorf("%s: %d, not %d: %s", try.name, try.a.status, try.want, try.a.body)
		}
	}
	// A refusal is not kept: the same key may be used for what is then right.
	key = rand.Text()
	if a := post(b.employer, key, "/v1/jobs", set(job, "trade", "astronaut")); a.status != 422 {
		t.Errorf("a bad body: %d", a.status)
	}
	if a := post(b.employer, key, "/v1/jobs", job); a.status != 201 {
		t.Errorf("a key whose first request was refused: %d %s", a.status, a.body)
	}
	key = rand.Text()
	ids := make([]string, 12)
	var all sync.WaitGroup
	for i := range ids {
		all.Go(func() { ids[i] = read[seen](t, post(b.employer, key, "/v1/jobs", job)).ID })
	}
	all.Wait()
	for _, other := range ids {
		if other != ids[0] {
			t.Errorf("one key made two jobs: %v", ids)
		}
	}
	b.stop()
	b.check()
	if n := b.trails(t, "jobs"); n != 1+1+1+1+1 {
		t.Errorf("the store knows %d jobs, not 5", n)
	}
}
