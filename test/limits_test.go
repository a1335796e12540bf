package test

import (
	"context"
	"database/sql"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"hezuo/identity"
	"hezuo/market"
)

// TestInnerErrorsStayInside breaks a document in the store, so that the server
// cannot read it: who asks learns that it is our fault, and nothing more.
func TestInnerErrorsStayInside(t *testing.T) {
	t.Parallel()
	p := newPremises(t)
	w := p.found(t, p.serve())
	employer := w.somebodyWith(market.Company)
	job := w.must(plainly(t.Context(), employer, "/v1/jobs", jobBody(employer.party, days(10, 3), 5)))
	w.stop()

	db, err := sql.Open("sqlite", p.store()) // the store's own driver
	if err != nil {
		t.Fatal(err)
	}
	broken, err := db.ExecContext(context.Background(), `UPDATE documents SET body = '{"id":"`+canaryPhone+`","doc":[]}' WHERE id = ?`, job.ID)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := broken.RowsAffected(); err != nil || n != 1 {
		t.Fatalf("%d documents were broken: %v", n, err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}

	s := p.serve()
	for _, q := range []request{
		{method: "GET", path: "/v1/jobs/" + job.ID, token: employer.token()},
		{method: "POST", path: "/v1/jobs/" + job.ID + "/submission", token: employer.token()},
		{method: "GET", path: "/v1/parties/" + employer.party + "/jobs", token: employer.token()},
	} {
		a := s.ask(q)
		const want = `{"type":"about:blank","title":"Internal Server Error","status":500,"code":"internal","detail":"something went wrong on our side","fix":"try again; if it stays, tell the market's operator"}`
		if got := strings.TrimSpace(string(a.body)); a.status != http.StatusInternalServerError || got != want {
			t.Errorf("%s %s: %d %s", q.method, q.path, a.status, a.body)
		}
	}
	s.stop()
	if n := strings.Count(s.log.String(), `msg="a request failed"`); n != 3 {
		t.Errorf("3 defects were logged %d times:\n%s", n, s.log)
	}
	if status, out, _ := p.run("check"); status != 1 || !strings.Contains(out, job.ID) {
		t.Errorf("hezuo check does not find the broken document: %d\n%s", status, out)
	}
}

// TestLimits asks for more than a minute allows.
func TestLimits(t *testing.T) {
	t.Parallel()
	p := newPremises(t)
	w := p.found(t, p.serve())
	a, b := w.somebody(), w.somebody()
	w.stop()
	p.env["HEZUO_LIMITS__REQUESTS_PER_MINUTE"] = "4"
	p.env["HEZUO_LIMITS__ANONYMOUS_PER_MINUTE"] = "8"
	p.env["HEZUO_LIMITS__CODES_PER_PHONE_PER_HOUR"] = "2"
	s := p.serve()
	flood := func(name string, q request, good, status int) {
		t.Helper()
		for i := range good + 1 {
			a := s.ask(q)
			switch limited := a.status == http.StatusTooManyRequests; {
			case limited != (i == good), !limited && a.status != status:
				t.Errorf("%s: request %d of %d gets %d: %s", name, i+1, good+1, a.status, a.body)
			case limited && a.problem(t).Fix == "":
				t.Errorf("%s: nothing to do about it: %s", name, a.body)
			}
		}
	}
	flood("a person", request{method: "GET", path: "/v1/me", token: a.token()}, 4, 200)
	after, err := strconv.Atoi(s.ask(request{method: "GET", path: "/v1/me", token: a.token()}).header.Get("Retry-After"))
	if err != nil || after < 1 || after > 60 {
		t.Errorf("Retry-After: %d %v", after, err)
	}
	flood("another person", request{method: "GET", path: "/v1/me", token: b.token()}, 4, 200)
	flood("a phone's codes", request{method: "POST", path: "/v1/sign-in/codes", body: body{"phone": p.phone()}}, 2, 202)
	flood("an address", request{
		method: "GET", path: "/v1/me", token: "of nobody", header: http.Header{"X-Forwarded-For": {"203.0.113.7"}},
	}, 5, 401)
	flood("the same address", request{method: "GET", path: "/v1/trades"}, 0, 200)
	if h := s.ask(request{method: "GET", path: "/healthz"}); h.status != 200 {
		t.Errorf("the limit is on /healthz: %d", h.status)
	}
	s.stop()
	if strings.Contains(s.log.String(), "level=ERROR") {
		t.Errorf("limits are logged as failures:\n%s", s.log)
	}
	if _, err := p.phones.code(a.phone, identity.PurposeSigning)(cancelled(t), ""); err == nil {
		t.Error("a code was sent that nobody asked for")
	}
	p.check()
}

// cancelled gives a context that has ended: what is waited for must be there.
func cancelled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
