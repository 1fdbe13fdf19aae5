metadata description = 'Alerts on containers: restarts, and failures in the log.'

import { alertLimits } from '../types.bicep'

param namePrefix string
param location string
param tags object
param workspaceId string

@description('The container apps, named and by id.')
param apps {
  name: string
  id: string
}[]
param limits alertLimits

@description('Action groups that are told.')
param actionGroupIds string[]

resource restarts 'Microsoft.Insights/metricAlerts@2018-03-01' = [
  for app in apps: {
    name: '${namePrefix}-restarts-${app.name}'
    location: 'global'
    tags: tags
    properties: {
      description: 'The container ended and was started again. Its last log line has the exit code; docs/operations.md says what each one means.'
      severity: 1
      enabled: true
      autoMitigate: true
      scopes: [app.id]
      evaluationFrequency: 'PT5M'
      windowSize: 'PT15M'
      criteria: {
        'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
        allOf: [
          {
            criterionType: 'StaticThresholdCriterion'
            name: 'restarts'
            metricNamespace: 'Microsoft.App/containerApps'
            metricName: 'RestartCount'
            operator: 'GreaterThan'
            threshold: 0
            timeAggregation: 'Maximum'
          }
        ]
      }
      actions: [for group in actionGroupIds: { actionGroupId: group }]
    }
  }
]

resource errors 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = {
  name: '${namePrefix}-failures'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: 'Matih: a pipeline fails'
    description: 'A container failed or tried again more than ${limits.failures} times within 15 minutes. The log names the cause and what to do.'
    severity: 2
    enabled: true
    autoMitigate: true
    scopes: [workspaceId]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    criteria: {
      allOf: [
        {
          query: join(
            [
              'ContainerAppConsoleLogs'
              '| where ContainerAppName in (${join(map(apps, app => '"${app.name}"'), ', ')})'
              '| extend entry = parse_json(Log)'
              '| where tostring(entry.event) in ("retrying", "failed", "crashed")'
            ],
            '\n'
          )
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: limits.failures
          dimensions: [
            {
              name: 'ContainerAppName'
              operator: 'Include'
              values: ['*']
            }
          ]
          failingPeriods: {
            numberOfEvaluationPeriods: 1
            minFailingPeriodsToAlert: 1
          }
        }
      ]
    }
    actions: { actionGroups: actionGroupIds }
  }
}
