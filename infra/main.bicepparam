// The defaults: a Functions app on Flex Consumption that scales to zero, with a lake and a vault of its own.
// Copy this file for each environment; samples has other choices. No secret stands here, only the names of secrets.
using 'main.bicep'

// azd says which environment it is, and who deploys; without azd both stay empty.
param tags = {
  application: 'matih'
  'azd-env-name': readEnvironmentVariable('AZURE_ENV_NAME', '')
}
param deployerPrincipalId = readEnvironmentVariable('AZURE_PRINCIPAL_ID', '')
param deployerPrincipalType = readEnvironmentVariable('AZURE_PRINCIPAL_TYPE', 'User')

// The variables that the YAML files in src/Functions/pipelines name, for example:
param pipelineSettings = {
  KAFKA_BROKERS: 'kafka-1.example.com:9093,kafka-2.example.com:9093'
}
