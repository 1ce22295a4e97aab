// The key that is typed in lives as long as the page: nothing is written to the browser's storage.
SwaggerUIBundle({
  dom_id: "#ui",
  url: "openapi.json",
  deepLinking: true,
  persistAuthorization: false,
  validatorUrl: null,
  defaultModelsExpandDepth: 0,
});
