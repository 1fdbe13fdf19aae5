metadata description = 'A Log Analytics workspace, and Application Insights on it, which takes telemetry from identities only.'

@description('Whether there is an app that sends telemetry to Application Insights.')
param hasInsights bool
param insightsName string
param workspaceName string

@description('A workspace that is there already; empty makes one.')
param existingWorkspaceId string
param retentionInDays int
param location string
param tags object

@description('Who sends telemetry.')
param principalId string

var monitoringMetricsPublisher = '3913510d-42f4-4e42-8a64-420c390055eb'
var workspaceId = empty(existingWorkspaceId) ? workspace.id : existingWorkspaceId

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-02-01' = if (empty(existingWorkspaceId)) {
  name: workspaceName
  location: location
  tags: tags
  properties: {
    sku: { name: 'PerGB2018' }
    retentionInDays: retentionInDays
    features: {
      disableLocalAuth: true
      enableLogAccessUsingOnlyResourcePermissions: true
    }
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = if (hasInsights) {
  name: insightsName
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspaceId
    DisableLocalAuth: true
  }
}

resource publisher 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (hasInsights) {
  scope: insights
  name: guid(insights.id, principalId, monitoringMetricsPublisher)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', monitoringMetricsPublisher)
  }
}

output insightsId string = hasInsights ? insights.id : ''
output connectionString string = hasInsights ? insights!.properties.ConnectionString : ''
output workspaceId string = workspaceId
