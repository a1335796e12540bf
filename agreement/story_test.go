package agreement

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"hezuo/matching"
	"hezuo/notify"
	"hezuo/store"
)

// From a post to a file that anybody can verify.
func TestStory(t *testing.T) {
	w := newWorld(t)
	s := w.sides()
	it := w.concluded(s)
	h := w.handshake(it.Doc.Handshake)

	if it.ID != ID(it.Doc.Handshake) || it.Rev != 1 {
		t.Errorf("agreement %s at revision %d", it.ID, it.Rev)
	}
	if !it.Doc.SignedAt.Equal(h.Owner.Signed.At) || it.Doc.Payload != h.Contract {
		t.Errorf("signed at %s with %q", it.Doc.SignedAt, it.Doc.Payload)
	}
	c := must(it.Doc.Contract())(t)
	accepted := must(h.Agreed().Terms.Canonical())(t)
	if got := must(canonical(c.Terms))(t); string(got) != string(accepted) || sum(got) != h.Employer.Accepted.Hash || sum(got) != h.Owner.Accepted.Hash {
		t.Errorf("terms\n%s\nwere accepted as\n%s", got, accepted)
	}
	if !strings.Contains(it.Doc.Payload, `"terms":`+string(accepted)) {
		t.Error("the accepted bytes do not stand in the contract as they are")
	}

	trusted := must(w.agreements.PlatformJWKS(t.Context()))(t)
	data := must(w.agreements.File(t.Context(), s.owner.caller(), it.ID))(t)
	result := VerifyFile(data, trusted)
	if !result.OK || !result.Trusted {
		t.Fatalf("%+v", result)
	}
	for _, part := range []string{"聊城某果品有限公司", "东昌府区某农村劳务专业合作社", "采摘苹果并装箱", "2026-03-05", "2026-03-07", "每天5人", "每天7.5小时", "150.00元/人·天", "2026-03-02 09:12:00"} {
		if !strings.Contains(result.Summary.Zh, part) {
			t.Errorf("the summary lacks %q: %s", part, result.Summary.Zh)
		}
	}
	if again := must(w.agreements.File(t.Context(), s.owner.caller(), it.ID))(t); string(again) != string(data) {
		t.Error("the file's bytes are not the same each time")
	}
	w.check()
}

func TestEverybodyIsTold(t *testing.T) {
	w := newWorld(t)
	s := w.sides()
	third := w.person("13900000013")
	must(w.board.AdmitPerson(t.Context(), s.owner.caller(), w.cmd(s.owner.ID), s.ownerParty, third.ID))(t)
	it := w.concluded(s)
	for _, p := range []*person{s.employer, s.owner, third} {
		records := must(notify.NewInboxes(w.db).Read(t.Context(), p.ID, 0, 1000))(t)
		var told []store.Record
		for _, r := range records {
			if r.Kind == "agreement.signed" {
				told = append(told, r)
			}
		}
		if len(told) != 1 {
			t.Fatalf("told %d times", len(told))
		}
		var news News
		if err := json.Unmarshal(told[0].Body, &news); err != nil || news != (News{it.ID, it.Doc.Handshake, it.Doc.Job, it.Doc.Team}) {
			t.Errorf("told %s", told[0].Body)
		}
	}
	feed := must(w.db.Read(t.Context(), Feed(county), 0, 10))(t)
	var ref store.Ref
	if len(feed) != 1 || feed[0].Kind != "agreement.signed" || json.Unmarshal(feed[0].Body, &ref) != nil || ref != (store.Ref{Collection: "agreements", ID: it.ID, Rev: 1}) {
		t.Errorf("the feed has %+v", feed)
	}
	w.check()
}

// An agreement stays as it is, whatever becomes of the work, the parties' documents
// and the keys.
func TestAgreementNeverChanges(t *testing.T) {
	for _, end := range []matching.State{matching.Done, matching.BrokenOff} {
		t.Run(string(end), func(t *testing.T) {
			w := newWorld(t)
			s := w.sides()
			it := w.concluded(s)
			before := must(w.agreements.File(t.Context(), s.owner.caller(), it.ID))(t)

			if end == matching.BrokenOff {
				must(w.handshakes.BreakOff(t.Context(), s.owner.caller(), w.cmd(s.owner.ID), it.Doc.Handshake, matching.Event{Reason: "the road is flooded"}))(t)
			} else {
				for range 3 {
					w.clock.Add(4 * 24 * time.Hour)
					must(w.handshakes.Settle(t.Context(), w.clock.Now()))(t)
				}
			}
			if got := w.handshake(it.Doc.Handshake).State; got != end {
				t.Fatalf("the handshake is %s", got)
			}
			form := companyForm(t)
			form.Name, form.Representative = "改名后的公司", "新代表"
			form.Market, form.ContactName, form.ContactPhone = county, "联系人", s.employer.phone
			must(w.board.EditParty(t.Context(), s.employer.caller(), w.cmd(s.employer.ID), s.employerParty, form))(t)
			if err := w.people.RevokeKey(t.Context(), w.cmd(s.employer.ID), s.employer.principal, s.employer.thumbprint, "lost"); err != nil {
				t.Fatal(err)
			}
			if err := w.agreements.RotatePlatformKey(t.Context(), w.cmd(w.operator.ID), "a test of rotation"); err != nil {
				t.Fatal(err)
			}
			w.follow(w.agreements)
			if err := w.agreements.conclude(t.Context(), it.Doc.Handshake); err != nil {
				t.Fatal(err)
			}

			after := must(w.agreements.File(t.Context(), s.owner.caller(), it.ID))(t)
			if string(after) != string(before) {
				t.Error("the file changed")
			}
			if r := VerifyFile(after, must(w.agreements.PlatformJWKS(t.Context()))(t)); !r.OK || !r.Trusted {
				t.Errorf("%+v", r.Findings)
			}
			if now := must(w.agreements.Get(t.Context(), s.owner.caller(), it.ID))(t); now.Rev != 1 {
				t.Errorf("the agreement is at revision %d", now.Rev)
			}
			w.check()
		})
	}
}

// A key that was revoked at the very instant of a signature that was accepted does
// not keep the agreement from being made.
func TestKeyRevokedAtOnce(t *testing.T) {
	w := newWorld(t)
	s := w.sides()
	id := w.signed(s)
	cmd := w.cmd(s.owner.ID)
	if err := w.people.RevokeKey(t.Context(), cmd, s.owner.principal, s.owner.thumbprint, "lost"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.people.KeyAt(t.Context(), s.owner.ID, s.owner.thumbprint, w.handshake(id).Owner.Signed.At); err == nil {
		t.Fatal("the key could still sign")
	}
	w.follow(w.agreements)
	must(w.agreements.ByHandshake(t.Context(), s.owner.caller(), id))(t)
	w.check()
}

func TestWhoMayRead(t *testing.T) {
	w := newWorld(t)
	s := w.sides()
	it := w.concluded(s)
	stranger := w.person("13900000021")
	form := individualForm(t)
	other := stranger.party(form)
	elsewhere := "371521"
	must(w.board.CreateMarket(t.Context(), nil, w.cmd("system:test"), elsewhere))(t)
	foreign := w.person("13900000022")
	must(w.board.Appoint(t.Context(), nil, w.cmd("system:test"), elsewhere, foreign.ID, true, "appointed for the test"))(t)

	for _, p := range []*person{s.employer, s.owner, w.operator, w.auditor} {
		must(w.agreements.Get(t.Context(), p.caller(), it.ID))(t)
		must(w.agreements.ByHandshake(t.Context(), p.caller(), it.Doc.Handshake))(t)
		for _, party := range []string{s.employerParty, s.ownerParty} {
			page, err := w.agreements.OfParty(t.Context(), p.caller(), party, "", 10)
			own := party == s.employerParty && p == s.employer || party == s.ownerParty && p == s.owner
			office := p == w.operator || p == w.auditor
			if own || office {
				if err != nil || len(page.Items) != 1 || page.Items[0].ID != it.ID {
					t.Errorf("party %s: %v, %v", party, page, err)
				}
			} else if !errors.Is(err, store.ErrNotFound) {
				t.Errorf("another party's list: %v", err)
			}
		}
	}
	for _, p := range []*person{stranger, foreign} {
		if _, err := w.agreements.Get(t.Context(), p.caller(), it.ID); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("Get: %v", err)
		}
		if _, err := w.agreements.File(t.Context(), p.caller(), it.ID); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("File: %v", err)
		}
		if _, err := w.agreements.RevealFile(t.Context(), p.caller(), w.cmd(p.ID), it.ID, "I am curious"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("RevealFile: %v", err)
		}
		page, err := w.agreements.OfParty(t.Context(), p.caller(), s.employerParty, "", 10)
		if len(page.Items) != 0 || p == stranger && !errors.Is(err, store.ErrNotFound) {
			t.Errorf("OfParty: %v, %v", page, err)
		}
	}
	if page := must(w.agreements.OfParty(t.Context(), stranger.caller(), other, "", 10))(t); len(page.Items) != 0 {
		t.Errorf("a party without agreements has %v", page)
	}
	if _, err := w.agreements.Get(t.Context(), w.operator.caller(), "nothing"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Get: %v", err)
	}
	w.check()
}
