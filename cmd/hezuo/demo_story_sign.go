package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hezuo/agreement"
	"hezuo/api"
	"hezuo/api/client"
	"hezuo/market"
	"hezuo/realtime"
	"hezuo/store"
)

// The files that the story leaves behind.
const (
	agreementFile = "agreement" + agreement.Extension
	platformKeys  = "agreement-keys.json"
)

func (s *story) bothRegisterKeys(ctx context.Context) error {
	for _, a := range []struct {
		*actor
		label string
	}{{s.employer, "办公室电脑"}, {s.leader, "社长的手机"}} {
		var err error
		if a.device, err = client.NewDevice(); err != nil {
			return err
		}
		b, err := a.device.Register(ctx, a.Client, a.label, s.sender.take)
		if err != nil {
			return err
		}
		if err := b.Verify(); err != nil {
			return fmt.Errorf("the statement on the key: %w", err)
		}
		s.says("%s: key %s, usable at once (%s)", a.label, short(b.Thumbprint), b.Proof.How)
	}
	return nil
}

func (s *story) bothSign(ctx context.Context) error {
	read := func(contract []byte) error {
		c, err := agreement.ParseContract(contract)
		if err != nil {
			return err
		}
		return holds(c.TermsSHA256 == s.accepted && c.Handshake == s.handshake, "the contract is not what was agreed")
	}
	for _, a := range []*actor{s.leader, s.employer} {
		if err := a.device.SignHandshake(ctx, a.Client, s.handshake, read); err != nil {
			return err
		}
	}
	var news agreement.News
	_, err := s.leader.inbox.Wait(ctx, func(e realtime.Entry) bool {
		return e.Kind == "agreement.signed" && json.Unmarshal(e.Body, &news) == nil && news.Handshake == s.handshake
	})
	if err != nil {
		return fmt.Errorf("waiting for the agreement: %w", err)
	}
	s.agreement = news.Agreement
	v, err := client.Get[api.AgreementView](ctx, s.employer.Client, "/v1/agreements/"+s.agreement)
	if err != nil {
		return err
	}
	s.says("agreement %s, signed at %s; both inboxes are told", v.ID, v.SignedAt.In(market.Shanghai).Format("15:04:05"))
	s.says("%s", v.Contract.Statement)
	return holds(v.Contract.TermsSHA256 == s.accepted, "the agreement has other terms than were accepted")
}

func (s *story) fileIsVerified(ctx context.Context) error {
	var file, keys []byte
	if _, err := s.leader.Do(ctx, "POST", "/v1/agreements/"+s.agreement+"/file", map[string]string{}, &file); err != nil {
		return err
	}
	if _, err := s.leader.Do(ctx, "GET", "/.well-known/agreement-keys.json", nil, &keys); err != nil {
		return err
	}
	for name, data := range map[string][]byte{agreementFile: file, platformKeys: keys} {
		if err := os.WriteFile(filepath.Join(s.dir, name), data, 0o600); err != nil {
			return err
		}
	}
	return holds(s.verify(agreementFile) == nil, "the genuine file was not accepted")
}

// verify does what `hezuo verify` does with a file of the story.
func (s *story) verify(name string) error {
	var out, complaint bytes.Buffer
	cmd := verifyCommand{File: filepath.Join(s.dir, name), Keys: filepath.Join(s.dir, platformKeys)}
	err := cmd.Run(&world{stdout: &out, stderr: &complaint})
	s.says("$ hezuo verify --keys %s %s", platformKeys, name)
	for line := range strings.Lines(out.String() + complaint.String()) {
		if line = strings.TrimRight(line, "\n"); line != "" {
			s.says("%s", line)
		}
	}
	return err
}

func (s *story) changedFileFails(context.Context) error {
	data, err := os.ReadFile(filepath.Join(s.dir, agreementFile))
	if err != nil {
		return err
	}
	changed, err := changePay(data)
	if err != nil {
		return err
	}
	const name = "changed" + agreement.Extension
	if err := os.WriteFile(filepath.Join(s.dir, name), changed, 0o600); err != nil {
		return err
	}
	err = s.verify(name)
	if removed := os.Remove(filepath.Join(s.dir, name)); removed != nil {
		return removed
	}
	return holds(err != nil, "a changed file was taken for genuine")
}

// changePay changes the second digit of the pay by one. The digit's last bit is all
// that differs, so of the file, where the contract stands in base64, one byte is.
func changePay(file []byte) ([]byte, error) {
	var f agreement.File
	if err := json.Unmarshal(file, &f); err != nil {
		return nil, err
	}
	contract, err := base64.RawURLEncoding.DecodeString(f.Payload)
	if err != nil {
		return nil, err
	}
	const mark = `"amount_fen":`
	at := bytes.Index(contract, []byte(mark))
	if at < 0 || at+len(mark)+1 >= len(contract) {
		return nil, errors.New("the contract names no pay")
	}
	contract[at+len(mark)+1] ^= 1
	out := bytes.Replace(file, []byte(f.Payload), []byte(base64.RawURLEncoding.EncodeToString(contract)), 1)
	differ := 0
	for i := range out {
		if out[i] != file[i] {
			differ++
		}
	}
	return out, holds(len(out) == len(file) && differ == 1, "%d bytes differ", differ)
}

func (s *story) auditorReads(ctx context.Context) error {
	if err := s.signIn(ctx, s.auditor); err != nil {
		return err
	}
	trail, err := client.Get[api.List[api.AuditEntry]](ctx, s.auditor.Client, "/v1/audit/jobs/"+s.job)
	if err != nil {
		return err
	}
	names := map[string]string{s.employer.Person(): "the employer", s.operator.Person(): "the operator"}
	var acts []string
	for _, e := range trail.Items {
		who := names[e.Actor]
		if who == "" {
			who = e.Actor
		}
		s.says("%2d  %s  %-18s %-16s %s", e.N, e.At.In(market.Shanghai).Format("15:04:05"), e.Act, who, e.Why)
		acts = append(acts, e.Act)
	}
	for _, act := range []string{"job.create", "job.submit", "job.open", "job.look_listed", "job.admit", "job.claim"} {
		if !slices.Contains(acts, act) {
			return fmt.Errorf("the trail lacks %s", act)
		}
	}
	return nil
}

func (s *story) houseChecks(ctx context.Context) error {
	if err := s.h.quiet(ctx); err != nil {
		return err
	}
	report, err := s.h.check(ctx)
	if err != nil {
		return err
	}
	if len(report.Findings) > 0 {
		return fmt.Errorf("%w: %s", errUnsound, finding(report.Findings[0]))
	}
	for _, what := range slices.Sorted(maps.Keys(report.Counted)) {
		s.says("%9d  %s", report.Counted[what], what)
	}
	s.says("every invariant holds")
	return nil
}

var errUnsound = errors.New("the store does not hold what the house promises")

func finding(f store.Finding) string { return f.Invariant + ": " + f.Where + ": " + f.What }
