package front

import (
	"bytes"
	"net/http"
	"reflect"
	"regexp"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
	"github.com/vmware/govmomi/vim25/xml"

	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/vc"
)

// vimType finds the Go type of a vSphere type, whatever namespace prefix its name carries.
func vimType(name string) (reflect.Type, bool) {
	if _, local, ok := strings.Cut(name, ":"); ok {
		name = local
	}
	return types.TypeFunc()(name)
}

// describe tells what a decoded call does, for the log and for fault rules.
func describe(reg *simulator.Registry, method *simulator.Method) Call {
	return Call{Method: method.Name, Type: method.This.Type, Object: vc.Name(reg, method.This), Name: givenName(method.Body)}
}

// givenName finds the name that a request gives: a field Name or NewName of the request, or of its specification, or that
// of the first rule that it writes.
func givenName(body any) string {
	if request, ok := body.(*types.ReconfigureComputeResource_Task); ok {
		return ruleName(request)
	}
	value := reflect.Indirect(reflect.ValueOf(body))
	if value.Kind() != reflect.Struct {
		return ""
	}
	for _, field := range []string{"Name", "NewName"} {
		if f := value.FieldByName(field); f.IsValid() && f.Kind() == reflect.String && f.Len() > 0 {
			return f.String()
		}
	}
	for _, field := range []string{"Config", "Spec"} {
		f := value.FieldByName(field)
		if f.IsValid() && f.Kind() == reflect.Interface {
			f = f.Elem()
		}
		f = reflect.Indirect(f)
		if f.IsValid() && f.Kind() == reflect.Struct {
			if name := f.FieldByName("Name"); name.IsValid() && name.Kind() == reflect.String {
				return name.String()
			}
		}
	}
	return ""
}

func ruleName(request *types.ReconfigureComputeResource_Task) string {
	if spec, ok := request.Spec.(*types.ClusterConfigSpecEx); ok && len(spec.RulesSpec) > 0 && spec.RulesSpec[0].Info != nil {
		return spec.RulesSpec[0].Info.GetClusterRuleInfo().Name
	}
	return ""
}

const envelopeHead = `<?xml version="1.0" encoding="UTF-8"?>` + "\n" +
	`<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" ` +
	`xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>`

const envelopeTail = `</soapenv:Body></soapenv:Envelope>`

// writeFault answers a call with a SOAP fault, in vCenter's form.
func writeFault(w http.ResponseWriter, message string, fault types.BaseMethodFault) int {
	kind := reflect.TypeOf(fault).Elem().Name()
	var detail bytes.Buffer
	encoder := xml.NewEncoder(&detail)
	start := xml.StartElement{Name: xml.Name{Local: kind + "Fault"}, Attr: []xml.Attr{
		{Name: xml.Name{Local: "xmlns"}, Value: "urn:vim25"}, {Name: xml.Name{Local: "xsi:type"}, Value: kind}}}
	if err := encoder.EncodeElement(fault, start); err == nil {
		_ = encoder.Flush()
	}
	var text bytes.Buffer
	_ = xml.EscapeText(&text, []byte(message))
	body := envelopeHead + "<soapenv:Fault><faultcode>ServerFaultCode</faultcode><faultstring>" + text.String() +
		"</faultstring><detail>" + detail.String() + "</detail></soapenv:Fault>" + envelopeTail
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	w.WriteHeader(http.StatusInternalServerError)
	n, _ := w.Write([]byte(body))
	return n
}

// writeTask answers a call of a task method with the reference of its task.
func writeTask(w http.ResponseWriter, method string, task types.ManagedObjectReference) int {
	body := envelopeHead + "<" + method + `Response xmlns="urn:vim25"><returnval type="Task">` + task.Value +
		"</returnval></" + method + "Response>" + envelopeTail
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	n, _ := w.Write([]byte(body))
	return n
}

// faultElement finds the type of the fault in a reply, written by the simulator as <XFault ... xsi:type="X">.
var faultElement = regexp.MustCompile(`<detail>\s*<([A-Za-z0-9]+)Fault[ >]`)

// faultType returns the type of the fault in a reply of status 500.
func faultType(body []byte) string {
	if match := faultElement.FindSubmatch(body); match != nil {
		return string(match[1])
	}
	return "fault"
}
