package front

import (
	"net/http"
	"reflect"
	"slices"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/vc"
)

// Mutation says whom a call changed what for. Paths are those before the call.
type Mutation struct {
	// Session numbers the sessions from 1 in the order of their logins; 0 is a call without one.
	Session int `json:"session"`
	// User is the user of the session.
	User string `json:"user"`
	// Method is the SOAP method.
	Method string `json:"method"`
	// Type is the type of the object the method was called on.
	Type string `json:"type"`
	// Path is the inventory path of that object.
	Path string `json:"path"`
	// Makes is the inventory path of what the call makes; its parent, or for a clone the source at Path, only lends itself.
	Makes string `json:"makes,omitempty"`
	// Rules are the names of the rules of a cluster that the call adds, edits or removes.
	Rules []string `json:"rules,omitempty"`
	// Outcome is "ok", a fault's type, or the kind of the injected failure.
	Outcome string `json:"outcome"`
}

// mutation describes a call that changes the inventory, before it does.
func (s *Server) mutation(r *http.Request, method *simulator.Method) *Mutation {
	m := &Mutation{Method: method.Name, Type: method.This.Type, Path: vc.Path(s.reg, method.This)}
	m.Session, m.User = s.sessions.who(r)
	switch body := method.Body.(type) {
	case *types.CreateFolder:
		m.Makes = m.Path + "/" + body.Name
	case *types.CreateResourcePool:
		m.Makes = m.Path + "/" + body.Name
	case *types.CloneVM_Task:
		m.Makes = vc.Path(s.reg, body.Folder) + "/" + body.Name
	case *types.ReconfigureComputeResource_Task:
		m.Rules = s.rulesOf(method.This, body.Spec)
	}
	return m
}

// rulesOf names the rules that a reconfiguration of a cluster is about: those that it brings, and those that it means by
// their key.
func (s *Server) rulesOf(cluster types.ManagedObjectReference, spec types.BaseComputeResourceConfigSpec) []string {
	changes, ok := spec.(*types.ClusterConfigSpecEx)
	if !ok {
		return nil
	}
	known := s.ruleNames(cluster)
	names := []string{}
	note := func(name string) {
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, change := range changes.RulesSpec {
		if key, ok := change.RemoveKey.(int32); ok {
			note(known[key])
		}
		if change.Info != nil && !reflect.ValueOf(change.Info).IsNil() {
			rule := change.Info.GetClusterRuleInfo()
			note(rule.Name)
			note(known[rule.Key])
		}
	}
	return names
}

// ruleNames returns the names of a cluster's rules by their keys.
func (s *Server) ruleNames(cluster types.ManagedObjectReference) map[int32]string {
	names := map[int32]string{}
	object, ok := s.reg.Get(cluster).(interface {
		Reference() types.ManagedObjectReference
	})
	if !ok {
		return names
	}
	config := reflect.Indirect(reflect.ValueOf(object)).FieldByName("ConfigurationEx")
	if !config.IsValid() {
		return names
	}
	s.reg.WithLock(vc.NewContext(s.reg), cluster, func() {
		info, ok := config.Interface().(*types.ClusterConfigInfoEx)
		if !ok {
			return
		}
		for _, rule := range info.Rule {
			names[rule.GetClusterRuleInfo().Key] = rule.GetClusterRuleInfo().Name
		}
	})
	return names
}

// controlMutations tells every call that changed the inventory since the start or the last reset, and in whose name.
func (s *Server) controlMutations(*http.Request) (any, error) {
	mutations := []Mutation{}
	for _, call := range s.log.Snapshot().Mutations {
		if call.mutation != nil {
			mutation := *call.mutation
			mutation.Outcome = call.Outcome
			mutations = append(mutations, mutation)
		}
	}
	return mutations, nil
}
