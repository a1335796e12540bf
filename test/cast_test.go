package test

import (
	"context"
	"strings"
	"testing"

	"hezuo/agreement"
	"hezuo/api/client"
	"hezuo/identity"
	"hezuo/market"
)

// roles are the columns of the table of permissions.
var roles = []string{
	"anonymous", "person", "employer", "stranger", "cooperative",
	"agency", "operator", "operator of another market", "auditor", "admin",
}

// cast are people of every role, with a set of documents that stand for the
// table's questions.
type cast struct {
	*town
	by       map[string]*person // by role; nil for nobody
	standing doc
	span     int // how many periods were given out
}

// doc names the documents that a request is about, by the names in its path, and
// what else its body needs.
type doc map[string]string

// newCast signs everybody in. The employer, the stranger, the cooperative and the
// agency have verified parties; the stranger is an employer who has nothing to do
// with any document.
func newCast(t *testing.T) *cast {
	p := newPremises(t)
	c := &cast{town: p.found(t, p.serve()), by: map[string]*person{}}
	c.by["person"] = c.somebody()
	c.by["employer"] = c.somebodyWith(market.Company)
	c.by["stranger"] = c.somebodyWith(market.Company)
	c.by["cooperative"] = c.somebodyWith(market.Cooperative)
	c.by["agency"] = c.somebodyWith(market.Agency)
	c.by["operator"], c.by["admin"] = c.operator, c.admin
	c.by["operator of another market"] = c.somebody()
	c.must(plainly(t.Context(), c.admin, "/v1/markets", body{"county": county2}))
	c.appoint(county2, c.by["operator of another market"])
	c.by["auditor"] = c.auditor()
	for _, role := range []string{"employer", "cooperative"} {
		if err := doer(plainly).key(t.Context(), p, c.by[role]); err != nil {
			t.Fatal(err)
		}
	}
	c.standing = c.everything()
	return c
}

// auditor makes one: a role counts from the next sign-in on.
func (c *cast) auditor() *person {
	c.t.Helper()
	w := c.somebody()
	if _, err := c.admin.c.Do(c.t.Context(), "PUT", "/v1/people/"+w.id()+"/roles/auditor", body{"has": true, "reason": "审计局委派"}, nil); err != nil {
		c.t.Fatal(err)
	}
	w, err := c.signInAs(c.t.Context(), c.url, w.phone)
	if err != nil {
		c.t.Fatal(err)
	}
	return w
}

// period gives days that no other document of the test has, so that the engine has
// nothing to match.
func (c *cast) period() body {
	c.span++
	return days(2*c.span, 2)
}

// everything makes the standing documents: an agreement with all before it.
func (c *cast) everything() doc {
	c.t.Helper()
	employer, coop := c.by["employer"], c.by["cooperative"]
	d := c.signed()
	c.agreed(d["handshake"])
	a := agreement.ID(d["handshake"])
	file, err := c.file(employer, a)
	if err != nil {
		c.t.Fatal(err)
	}
	d["market"], d["agreement"], d["file"] = county, a, string(file)
	d["party"], d["cooperative"] = employer.party, coop.party
	d["collection"], d["id"] = "jobs", d["job"]
	d["person"], d["role"] = c.somebody().id(), "auditor"
	return d
}

// agreed waits until a signed handshake has its agreement.
func (c *cast) agreed(handshake string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	socket, err := c.by["employer"].c.Socket(ctx)
	if err != nil {
		c.t.Fatal(err)
	}
	defer socket.Close()
	inbox, err := socket.Follow(ctx, client.InboxRoom, 0)
	if err == nil {
		_, err = told(ctx, inbox, "agreement.signed", handshake)
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

func (w *town) file(who *person, agreement string) ([]byte, error) {
	var file []byte
	_, err := who.c.Do(w.t.Context(), "POST", "/v1/agreements/"+agreement+"/file", body{}, &file)
	return file, err
}

// The makers of fresh documents, each with those that it needs. Nothing of one is
// in another.

func (c *cast) draftJob() doc {
	e := c.by["employer"]
	v := c.must(plainly(c.t.Context(), e, "/v1/jobs", jobBody(e.party, c.period(), 2)))
	return doc{"job": v.ID}
}

func (c *cast) jobInReview() doc {
	d := c.draftJob()
	c.must(plainly(c.t.Context(), c.by["employer"], "/v1/jobs/"+d["job"]+"/submission", nil))
	return d
}

func (c *cast) openJob() doc {
	d := c.jobInReview()
	c.must(plainly(c.t.Context(), c.operator, "/v1/jobs/"+d["job"]+"/review", body{"approve": true, "reason": "内容合规"}))
	return d
}

func (c *cast) draftTeam() doc {
	w := c.by["cooperative"]
	v := c.must(plainly(c.t.Context(), w, "/v1/teams", teamBody(w.party, c.period(), 2)))
	return doc{"team": v.ID}
}

func (c *cast) openTeam() doc {
	d := c.draftTeam()
	c.must(plainly(c.t.Context(), c.by["cooperative"], "/v1/teams/"+d["team"]+"/opening", nil))
	return d
}

// pair gives an open job and a team on the market that could do it. The team asks
// for more pay than the job has, so that the engine leaves them to each other.
func (c *cast) pair() doc {
	e, w, period := c.by["employer"], c.by["cooperative"], c.period()
	ctx := c.t.Context()
	job, err := doer(plainly).job(ctx, e, c.operator, jobBody(e.party, period, 2))
	if err != nil {
		c.t.Fatal(err)
	}
	post := teamBody(w.party, period, 2)
	post["lowest_pay_fen"] = 90_000_000
	team, err := doer(plainly).team(ctx, w, post)
	if err != nil {
		c.t.Fatal(err)
	}
	return doc{"job": job, "team": team}
}

func (c *cast) invited() doc {
	d := c.pair()
	v := c.must(plainly(c.t.Context(), c.by["employer"], "/v1/jobs/"+d["job"]+"/invitations", body{"team": d["team"]}))
	d["handshake"] = v.ID
	return d
}

func (c *cast) negotiating() doc {
	d := c.invited()
	v := c.must(plainly(c.t.Context(), c.by["cooperative"], "/v1/handshakes/"+d["handshake"]+"/yes", body{}))
	if v.State != "negotiating" {
		c.t.Fatalf("after both sides' yes the handshake is %s", v.State)
	}
	d["hash"], d["terms"] = v.Terms.Hash, string(v.Terms.Terms)
	return d
}

func (c *cast) toSign() doc {
	d := c.negotiating()
	if err := doer(plainly).agree(c.t.Context(), d["handshake"], c.by["cooperative"], c.by["employer"]); err != nil {
		c.t.Fatal(err)
	}
	return d
}

func (c *cast) signed() doc {
	d := c.toSign()
	for _, role := range []string{"employer", "cooperative"} {
		if err := doer(plainly).sign(c.t.Context(), d["handshake"], c.by[role]); err != nil {
			c.t.Fatal(err)
		}
	}
	return d
}

// spareParty registers another party of the employer's, not verified.
func (c *cast) spareParty() doc {
	e := c.by["employer"]
	v := c.must(plainly(c.t.Context(), e, "/v1/parties", c.form(market.Company, e)))
	return doc{"party": v.ID, "person": c.somebody().id()}
}

// sharedParty is one for which somebody else acts too.
func (c *cast) sharedParty() doc {
	d := c.spareParty()
	c.must(plainly(c.t.Context(), c.by["employer"], "/v1/parties/"+d["party"]+"/people", body{"person": d["person"]}))
	return d
}

// phoneWithCode has a code sent to a new phone.
func (c *cast) phoneWithCode() doc {
	d := doc{"phone": c.phone()}
	code := c.phones.code(d["phone"], identity.PurposeSignIn)
	c.ask(request{method: "POST", path: "/v1/sign-in/codes", body: body{"phone": d["phone"]}})
	var err error
	if d["code"], err = code(c.t.Context(), ""); err != nil {
		c.t.Fatal(err)
	}
	return d
}

// session opens one that may be ended.
func (c *cast) session() doc {
	in := c.phoneWithCode()
	a := read[client.Tokens](c.t, c.ask(request{method: "POST", path: "/v1/sign-in", body: body{"phone": in["phone"], "code": in["code"]}}))
	return doc{"refresh": a.RefreshToken}
}

// path fills in the names of a path.
func (d doc) path(path string) string {
	for name, id := range d {
		path = strings.ReplaceAll(path, "{"+name+"}", id)
	}
	return path
}

// again signs somebody in anew: a session that may be ended.
func (c *cast) again(who *person) *person {
	w, err := c.signInAs(c.t.Context(), c.url, who.phone)
	if err != nil {
		c.t.Fatal(err)
	}
	return w
}

// ownKey gives a good request to register a key, without taking the device that
// the person signs with from them.
func ownKey(c *cast, who *person, _ doc) any {
	if who == nil {
		return body{"key": body{}, "code": "", "digits": "", "possession": ""}
	}
	device := who.device
	defer func() { who.device = device }()
	b, err := c.keyBody(c.t.Context(), who)
	if err != nil {
		c.t.Fatal(err)
	}
	return b
}

// keyOf registers a key and gives its thumbprint.
func (c *cast) keyOf(who *person) string {
	if who == nil {
		return "nobodys"
	}
	made := read[identity.Binding](c.t, c.ask(request{method: "POST", path: "/v1/me/device-keys", token: who.token(), body: ownKey(c, who, nil)}))
	return made.Thumbprint
}

func (c *cast) employersKey() doc { return doc{"key": c.keyOf(c.by["employer"])} }

// signature gives a good signature of a side's; of others, one that is good for
// nobody.
func signature(c *cast, who *person, d doc) any {
	if who == nil || who.device == nil {
		return body{"protected": "e30", "signature": "AA"}
	}
	b, err := signatureBody(c.t.Context(), d["handshake"], who)
	if err != nil {
		c.t.Fatal(err)
	}
	return b
}
