// Package wsdl describes the API in WSDL, as a real vCenter does at /sdk/vimService.wsdl: clients like OpenStack's
// oslo.vmware build their calls from it. It is made of govmomi's Go types: all data types of the schema, all methods that
// start a task, and those of the others that OpenStack's drivers call.
package wsdl

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"
	_ "unsafe" // for go:linkname

	"github.com/vmware/govmomi/vim25/types"

	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/schema"
)

// registry is govmomi's table of the schema's types by name. It has no function that lists them.
//
//go:linkname registry github.com/vmware/govmomi/vim25/types.t
var registry map[string]reflect.Type

// answers are the answers of the methods that start no task; govmomi knows no answer by name. A method is called as its
// answer is, without the end "Response".
var answers = []reflect.Type{
	reflect.TypeFor[types.AcquireGenericServiceTicketResponse](),
	reflect.TypeFor[types.AcquireTicketResponse](),
	reflect.TypeFor[types.AddInternetScsiSendTargetsResponse](),
	reflect.TypeFor[types.CancelRetrievePropertiesExResponse](),
	reflect.TypeFor[types.ContinueRetrievePropertiesExResponse](),
	reflect.TypeFor[types.CreateFolderResponse](),
	reflect.TypeFor[types.CurrentTimeResponse](),
	reflect.TypeFor[types.ExportVmResponse](),
	reflect.TypeFor[types.FindAllByUuidResponse](),
	reflect.TypeFor[types.FindByInventoryPathResponse](),
	reflect.TypeFor[types.FindExtensionResponse](),
	reflect.TypeFor[types.HttpNfcLeaseAbortResponse](),
	reflect.TypeFor[types.HttpNfcLeaseCompleteResponse](),
	reflect.TypeFor[types.HttpNfcLeaseProgressResponse](),
	reflect.TypeFor[types.ImportVAppResponse](),
	reflect.TypeFor[types.LoginResponse](),
	reflect.TypeFor[types.LogoutResponse](),
	reflect.TypeFor[types.MakeDirectoryResponse](),
	reflect.TypeFor[types.MarkAsTemplateResponse](),
	reflect.TypeFor[types.RebootGuestResponse](),
	reflect.TypeFor[types.RecommendDatastoresResponse](),
	reflect.TypeFor[types.RegisterDiskResponse](),
	reflect.TypeFor[types.RegisterExtensionResponse](),
	reflect.TypeFor[types.RescanHbaResponse](),
	reflect.TypeFor[types.RetrievePropertiesExResponse](),
	reflect.TypeFor[types.RetrieveServiceContentResponse](),
	reflect.TypeFor[types.SessionIsActiveResponse](),
	reflect.TypeFor[types.ShutdownGuestResponse](),
	reflect.TypeFor[types.TerminateSessionResponse](),
	reflect.TypeFor[types.UnregisterVMResponse](),
}

// taskAnswer stands for the answers of all methods that start a task.
var taskAnswer = reflect.TypeFor[types.CloneVM_TaskResponse]()

const head = xml.Header + `<definitions targetNamespace="urn:vim25" xmlns="http://schemas.xmlsoap.org/wsdl/" ` +
	`xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:vim25="urn:vim25" xmlns:xsd="http://www.w3.org/2001/XMLSchema">` +
	"\n" + `<types><schema targetNamespace="urn:vim25" xmlns="http://www.w3.org/2001/XMLSchema" elementFormDefault="qualified">` + "\n" +
	`<complexType name="ManagedObjectReference"><simpleContent><extension base="xsd:string">` +
	`<attribute name="type" type="xsd:string"/></extension></simpleContent></complexType>` + "\n"

const tail = `<service name="VimService"><port binding="vim25:VimBinding" name="VimPort">` +
	`<soap:address location="https://localhost/sdk/vimService"/></port></service>` + "\n</definitions>\n"

// Document is the whole description. It is made once.
var Document = sync.OnceValue(func() []byte {
	w := &writer{}
	w.WriteString(head)
	for _, kind := range dataTypes() {
		w.dataType(kind)
	}
	methods := methods()
	names := slices.Sorted(maps.Keys(methods))
	for _, name := range names {
		w.element(name, registry[name])
		w.element(name+"Response", methods[name])
	}
	w.WriteString("</schema></types>\n")
	for _, name := range names {
		w.printf(`<message name="%[1]sRequestMsg"><part name="parameters" element="vim25:%[1]s"/></message>`+
			`<message name="%[1]sResponseMsg"><part name="parameters" element="vim25:%[1]sResponse"/></message>`+"\n", name)
	}
	w.WriteString(`<portType name="VimPortType">` + "\n")
	for _, name := range names {
		w.printf(`<operation name="%[1]s"><input message="vim25:%[1]sRequestMsg"/><output message="vim25:%[1]sResponseMsg"/></operation>`+"\n", name)
	}
	w.WriteString(`</portType>` + "\n" + `<binding name="VimBinding" type="vim25:VimPortType">` +
		`<soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>` + "\n")
	for _, name := range names {
		w.printf(`<operation name="%s"><soap:operation soapAction="urn:vim25/8.0.3.0" style="document"/>`+
			`<input><soap:body use="literal"/></input><output><soap:body use="literal"/></output></operation>`+"\n", name)
	}
	w.WriteString("</binding>\n" + tail)
	return w.Bytes()
})

// dataTypes are the schema's types but for the requests, each once, in order of their names.
func dataTypes() []reflect.Type {
	kinds := map[string]reflect.Type{}
	for _, kind := range registry {
		if !isRequest(kind) && kind != reflect.TypeFor[types.ManagedObjectReference]() {
			kinds[kind.Name()] = kind
		}
	}
	list := make([]reflect.Type, 0, len(kinds))
	for _, name := range slices.Sorted(maps.Keys(kinds)) {
		list = append(list, kinds[name])
	}
	return list
}

// isRequest says whether a type is what a method is called with: only that says on which object.
func isRequest(kind reflect.Type) bool {
	if kind.Kind() != reflect.Struct {
		return false
	}
	_, ok := kind.FieldByName("This")
	return ok
}

// methods are the methods with their answers.
func methods() map[string]reflect.Type {
	methods := map[string]reflect.Type{}
	for name := range registry {
		if strings.HasSuffix(name, "_Task") {
			methods[name] = taskAnswer
		}
	}
	for _, answer := range answers {
		methods[strings.TrimSuffix(answer.Name(), "Response")] = answer
	}
	return methods
}

// writer writes the parts of the document.
type writer struct{ bytes.Buffer }

func (w *writer) printf(format string, args ...any) { _, _ = fmt.Fprintf(w, format, args...) }

// dataType writes the definition of one type.
func (w *writer) dataType(kind reflect.Type) {
	if enum, ok := reflect.Zero(kind).Interface().(schema.Enum); ok {
		w.printf(`<simpleType name="%s"><restriction base="xsd:string">`, kind.Name())
		for _, value := range enum.Strings() {
			w.printf(`<enumeration value="%s"/>`, value)
		}
		w.WriteString("</restriction></simpleType>\n")
		return
	}
	if kind.Kind() != reflect.Struct {
		return
	}
	base, own := schema.Own(kind)
	w.printf(`<complexType name="%s">`, kind.Name())
	if base != nil {
		w.printf(`<complexContent><extension base="vim25:%s">`, base.Name())
	}
	w.sequence(own)
	if base != nil {
		w.WriteString("</extension></complexContent>")
	}
	w.WriteString("</complexType>\n")
}

// element writes a request or an answer.
func (w *writer) element(name string, kind reflect.Type) {
	w.printf(`<element name="%s"><complexType>`, name)
	w.sequence(schema.Fields(kind))
	w.WriteString("</complexType></element>\n")
}

func (w *writer) sequence(fields []schema.Field) {
	w.WriteString("<sequence>")
	for _, field := range fields {
		repeats := field.Repeats || field.Kind == reflect.TypeFor[types.ByteSlice]()
		w.printf(`<element name="%s" type="%s"`, field.Name, typeName(field.Kind))
		if !field.Required {
			w.WriteString(` minOccurs="0"`)
		}
		if repeats {
			w.WriteString(` maxOccurs="unbounded"`)
		}
		w.WriteString("/>")
	}
	w.WriteString("</sequence>")
}

// builtins are XML Schema's own types by the Go kinds that hold their values.
var builtins = map[reflect.Kind]string{reflect.Bool: "boolean", reflect.Int8: "byte", reflect.Uint8: "byte", reflect.Int16: "short",
	reflect.Int32: "int", reflect.Int64: "long", reflect.Float32: "float", reflect.Float64: "double", reflect.String: "string"}

// typeName is a type's name in the schema.
func typeName(kind reflect.Type) string {
	for kind.Kind() == reflect.Pointer {
		kind = kind.Elem()
	}
	switch {
	case kind == reflect.TypeFor[time.Time]():
		return "xsd:dateTime"
	case kind == reflect.TypeFor[types.ByteSlice]():
		return "xsd:byte"
	case kind.Kind() == reflect.Slice:
		return "xsd:base64Binary"
	case kind.Kind() == reflect.Interface && kind.NumMethod() == 0:
		return "xsd:anyType"
	case kind.Kind() == reflect.Interface:
		return "vim25:" + registry[kind.Name()].Name() // BaseVirtualDevice stands for VirtualDevice
	case kind.Kind() == reflect.Struct || isEnum(kind):
		return "vim25:" + kind.Name()
	}
	return "xsd:" + builtins[kind.Kind()]
}

func isEnum(kind reflect.Type) bool {
	_, ok := reflect.Zero(kind).Interface().(schema.Enum)
	return ok
}
