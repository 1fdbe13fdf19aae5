// Elastic Premium: kept instances, so that no topic waits for a start.
using '../main.bicep'

param functionsPlan = 'premium'
param premium = {
  size: 'EP2'
  minimumInstanceCount: 2
  maximumInstanceCount: 20
  zoneRedundant: true
}
param pipelineSettings = {
  KAFKA_BROKERS: 'kafka-1.example.com:9093'
}
param deployerPrincipalId = readEnvironmentVariable('AZURE_PRINCIPAL_ID', '')
