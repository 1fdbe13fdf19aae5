metadata description = 'Alerts on what the Functions app measures, for each pipeline and table.'

import { alertLimits } from '../types.bicep'

param namePrefix string
param location string
param tags object
param insightsId string
param limits alertLimits

@description('Action groups that are told.')
param actionGroupIds string[]

// Names as the engine's meter has them, and the keys of what a measurement belongs to.
var telemetry = {
  lag: 'matih.lag.records'
  lagAge: 'matih.lag.age'
  commitAge: 'matih.commit.age'
  failures: 'matih.failures'
  pipeline: 'pipeline'
  sink: 'sink'
}

var flow = '| extend pipeline = tostring(customDimensions["${telemetry.pipeline}"]), sink = tostring(customDimensions["${telemetry.sink}"])'

var rules = {
  lag: {
    title: 'Matih: records wait to be committed'
    advice: 'More than ${limits.lagRecords} records of a topic are not in the table, over 15 minutes. Look at the failures of the pipeline, then at the scale of the app.'
    severity: 2
    query: join(
      [
        'customMetrics'
        '| where name in ("${telemetry.lag}", "${telemetry.lagAge}")'
        flow
        '| summarize lag = maxif(value, name == "${telemetry.lag}"), lagAge = minif(value, name == "${telemetry.lagAge}") by pipeline, sink, cloud_RoleInstance, bin(timestamp, 5m)'
        // Each instance tells the lag after its own last commit: the newest look counts.
        '| summarize arg_min(lagAge, lag) by pipeline, sink, timestamp'
        '| project timestamp, pipeline, sink, measured = lag'
      ],
      '\n'
    )
    aggregation: 'Maximum'
    threshold: limits.lagRecords
    window: 'PT5M'
    lookCount: 3
  }
  commits: {
    title: 'Matih: no commit while records wait'
    advice: 'Records wait, and nothing was committed for more than ${limits.commitAgeSeconds} seconds. Look at the failures of the pipeline and at the instance of its orchestration.'
    severity: 1
    query: join(
      [
        'customMetrics'
        '| where name in ("${telemetry.commitAge}", "${telemetry.lag}", "${telemetry.lagAge}")'
        flow
        '| summarize commitAge = minif(value, name == "${telemetry.commitAge}"), lag = maxif(value, name == "${telemetry.lag}"), lagAge = minif(value, name == "${telemetry.lagAge}") by pipeline, sink, cloud_RoleInstance, bin(timestamp, 5m)'
        '| summarize measured = min(commitAge), arg_min(lagAge, lag) by pipeline, sink, timestamp'
        // A commit that is old because nothing came is well.
        '| where lag > 0'
        '| project timestamp, pipeline, sink, measured'
      ],
      '\n'
    )
    aggregation: 'Minimum'
    threshold: limits.commitAgeSeconds
    window: 'PT5M'
    lookCount: 1
  }
  failures: {
    title: 'Matih: a pipeline fails'
    advice: 'A pipeline failed more than ${limits.failures} times within 15 minutes. The log names the kind, the cause and what to do.'
    severity: 2
    query: join(
      [
        'customMetrics'
        '| where name == "${telemetry.failures}"'
        flow
        '| project timestamp, pipeline, sink, measured = valueSum'
      ],
      '\n'
    )
    aggregation: 'Total'
    threshold: limits.failures
    window: 'PT15M'
    lookCount: 1
  }
}

resource flowAlerts 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for rule in items(rules): {
    name: '${namePrefix}-${rule.key}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: rule.value.title
      description: rule.value.advice
      severity: rule.value.severity
      enabled: true
      autoMitigate: true
      scopes: [insightsId]
      evaluationFrequency: 'PT5M'
      windowSize: rule.value.window
      criteria: {
        allOf: [
          {
            query: rule.value.query
            metricMeasureColumn: 'measured'
            timeAggregation: rule.value.aggregation
            operator: 'GreaterThan'
            threshold: rule.value.threshold
            dimensions: [
              for name in ['pipeline', 'sink']: {
                name: name
                operator: 'Include'
                values: ['*']
              }
            ]
            failingPeriods: {
              numberOfEvaluationPeriods: rule.value.lookCount
              minFailingPeriodsToAlert: rule.value.lookCount
            }
          }
        ]
      }
      actions: { actionGroups: actionGroupIds }
    }
  }
]

// An app that does not start measures nothing. Its timer leaves a request every few minutes, or a dependency where the host only
// knows the worker's span.
resource silence 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = {
  name: '${namePrefix}-silence'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: 'Matih: the app is silent'
    description: 'The watching timer did not run for ${limits.silenceMinutes} minutes. Look at the log stream of the app: a wrong setting, a role or a package that is missing.'
    severity: 1
    enabled: true
    autoMitigate: true
    scopes: [insightsId]
    evaluationFrequency: 'PT15M'
    windowSize: 'PT${limits.silenceMinutes}M'
    criteria: {
      allOf: [
        {
          query: 'union requests, dependencies | where name has "watch" or operation_Name has "watch"'
          timeAggregation: 'Count'
          operator: 'LessThan'
          threshold: 1
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
